INSERT INTO catalogue_rank (plugin_id, installs, active_installs, downloads, rating_sum, rating_count, confidence, review_points,
    succeeded, failed, cross_check_points, changed)
SELECT plugin_id, installs, active_installs, downloads, rating_sum, rating_count, confidence, review_points, succeeded, failed,
    cross_check_points, changed
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, installs bigint, active_installs bigint, downloads bigint, rating_sum bigint, rating_count bigint,
    confidence smallint, review_points bigint, succeeded bigint, failed bigint, cross_check_points bigint, changed bigint)
ON CONFLICT (plugin_id) DO NOTHING
