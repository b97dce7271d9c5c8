INSERT INTO reliability_change (plugin_id, position, at, cause, version, confidence, review_points, cross_check_points)
SELECT plugin_id, position, at, cause, version, confidence, review_points, cross_check_points
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, position bigint, at timestamptz, cause text, version text, confidence smallint,
    review_points integer, cross_check_points integer)
