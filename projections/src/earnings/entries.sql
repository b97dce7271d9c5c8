-- $1 vendor, $2 from, $3 before, $4 currency, $5 before this position, $6 how many. A transaction is one row, whatever its entries.
WITH page AS (
    SELECT DISTINCT e.position
    FROM earnings_entry e
    WHERE e.vendor_id = $1 AND e.account IN ('vendor', 'transfer', 'payout') AND e.position < $5
        AND ($2::timestamptz IS NULL OR e.booked_at >= $2) AND ($3::timestamptz IS NULL OR e.booked_at < $3)
        AND ($4::text IS NULL OR e.currency = $4)
    ORDER BY e.position DESC
    LIMIT $6
)
SELECT x.*, coalesce(p.name, '') AS plugin_name
FROM (
    SELECT e.position, min(e.kind) AS kind, min(e.currency) AS currency, min(e.booked_at) AS booked_at, min(e.paid_at) AS paid_at,
        (array_agg(e.order_id))[1] AS order_id, (array_agg(e.payout_id))[1] AS payout_id, (array_agg(e.plugin_id))[1] AS plugin_id,
        coalesce(sum(e.amount) FILTER (WHERE e.account IN ('gateway', 'fees')), 0)::bigint AS gross,
        coalesce(sum(e.amount) FILTER (WHERE e.account = 'tax'), 0)::bigint AS tax,
        coalesce(sum(e.amount) FILTER (WHERE e.account = 'commission'), 0)::bigint AS commission,
        coalesce(-sum(e.amount) FILTER (WHERE e.account = 'vendor'), 0)::bigint AS amount,
        coalesce(-sum(e.amount) FILTER (WHERE e.account = 'transfer'), 0)::bigint AS direct
    FROM earnings_entry e
    JOIN page ON page.position = e.position
    GROUP BY e.position
) x
LEFT JOIN catalogue_plugin p ON p.plugin_id = x.plugin_id
ORDER BY x.position DESC
