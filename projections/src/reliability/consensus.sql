-- The first row is of all cross-checks, the others are of a day each.
SELECT (at AT TIME ZONE 'UTC')::date AS day, count(*) AS checks, (round(avg(consensus)) / 1000)::float8 AS mean,
    count(*) FILTER (WHERE consensus > 950) AS above_950, count(*) FILTER (WHERE consensus > 900) AS above_900,
    count(*) FILTER (WHERE consensus > 800) AS above_800, count(*) FILTER (WHERE consensus > 700) AS above_700,
    count(*) FILTER (WHERE jsonb_array_length(attempts) > 1) AS retried
FROM reliability_cross_check
WHERE plugin_id = $1
GROUP BY GROUPING SETS ((), ((at AT TIME ZONE 'UTC')::date))
ORDER BY day DESC NULLS FIRST
LIMIT 1 + $2
