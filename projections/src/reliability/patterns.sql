SELECT source, code, nature, count, share, first_at, last_at, version_count, versions
FROM (
    SELECT source, code, nature, sum(count)::bigint AS count,
        round(sum(count) / sum(sum(count)) OVER (PARTITION BY source), 4)::float8 AS share,
        min(first_at) AS first_at, max(last_at) AS last_at, count(*) AS version_count,
        (array_agg(version ORDER BY last_at DESC, version))[1:20] AS versions,
        row_number() OVER (PARTITION BY source ORDER BY sum(count) DESC, code, nature) AS rank
    FROM reliability_failure
    WHERE plugin_id = $1
    GROUP BY source, code, nature
) patterns
WHERE rank <= $2
ORDER BY source, rank
