-- Every subscription is up to four differences, of which what holds at the end of a step is the sum. Days before the span count for that.
SELECT date_trunc($4, d.day)::date AS step, d.day >= coalesce($2::date, '-infinity') AS inside, s.currency,
    sum(d.started)::bigint AS started, sum(d.lapsed)::bigint AS lapsed,
    coalesce(sum(d.paid * s.amount) FILTER (WHERE NOT s.yearly), 0)::bigint AS monthly,
    coalesce(sum(d.paid * s.amount) FILTER (WHERE s.yearly), 0)::bigint AS yearly
FROM vendor_analytics_subscription s
CROSS JOIN LATERAL (VALUES
    (s.started_on, 1, 0, 0),
    (s.lapsed_on, 0, 1, 0),
    (s.paid_on, 0, 0, 1),
    (CASE WHEN s.paid_on IS NOT NULL THEN s.lapsed_on END, 0, 0, -1)
) AS d (day, started, lapsed, paid)
WHERE s.vendor_id = $1 AND d.day <= coalesce($3::date, 'infinity')
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
