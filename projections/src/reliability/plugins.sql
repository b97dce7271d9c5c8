INSERT INTO reliability_plugin AS p (plugin_id, confidence, version, review_points, succeeded, failed, cross_check_points)
SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
ON CONFLICT (plugin_id) DO UPDATE
SET confidence = coalesce(excluded.confidence, p.confidence), version = coalesce(excluded.version, p.version),
    review_points = p.review_points + excluded.review_points, succeeded = p.succeeded + excluded.succeeded,
    failed = p.failed + excluded.failed, cross_check_points = p.cross_check_points + excluded.cross_check_points
