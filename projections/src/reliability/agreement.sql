SELECT c.position, c.at, c.version, c.samples, c.attempts, c.consensus, v.escalated IS NOT NULL AS escalated,
    to_jsonb(v.adjudicated) AS adjudicated
FROM reliability_cross_check c
LEFT JOIN reliability_validation v USING (validation_id)
WHERE c.plugin_id = $1
ORDER BY c.position DESC
LIMIT $2
