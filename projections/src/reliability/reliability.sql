SELECT score, confidence AS validation, version, LEAST(10, GREATEST(-30, review_points)) AS reviews,
    (10 * succeeded - 40 * failed) / (20 + succeeded + failed) AS executions, succeeded, failed,
    cross_check_points AS cross_checks
FROM reliability_plugin
WHERE plugin_id = $1
