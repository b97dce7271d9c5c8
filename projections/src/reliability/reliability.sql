SELECT score, confidence AS validation, version, LEAST(10, GREATEST(-30, review_points)) AS reviews,
    execution_points AS executions, cross_check_points AS cross_checks
FROM reliability_plugin
WHERE plugin_id = $1
