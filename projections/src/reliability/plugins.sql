INSERT INTO reliability_plugin AS p (plugin_id, confidence, version, review_points, succeeded, failed, cross_check_points)
SELECT plugin_id, confidence, version, review_points, succeeded, failed, cross_check_points
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, confidence smallint, version text, review_points bigint, succeeded bigint,
    failed bigint, cross_check_points bigint)
ON CONFLICT (plugin_id) DO UPDATE
SET confidence = coalesce(excluded.confidence, p.confidence), version = coalesce(excluded.version, p.version),
    review_points = p.review_points + excluded.review_points, succeeded = p.succeeded + excluded.succeeded,
    failed = p.failed + excluded.failed, cross_check_points = p.cross_check_points + excluded.cross_check_points
