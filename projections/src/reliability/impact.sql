-- What the score would be with one failure less, against what it is.
SELECT (score - LEAST(100, GREATEST(0, confidence + LEAST(10, GREATEST(-30, review_points))
        + (10 * succeeded - 40 * (failed - 1)) / (19 + succeeded + failed) + cross_check_points)))::bigint
FROM reliability_plugin
WHERE plugin_id = $1 AND failed > 0 AND confidence IS NOT NULL
