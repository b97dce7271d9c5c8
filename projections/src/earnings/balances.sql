-- $1 vendor, $2 payments after this are held back. Credits are negative.
SELECT d.currency,
    coalesce(-sum(d.amount) FILTER (WHERE d.account = 'vendor'), 0)::bigint AS balance,
    coalesce(-sum(d.amount) FILTER (WHERE d.account = 'payout'), 0)::bigint AS in_transit,
    coalesce(-sum(d.amount) FILTER (WHERE d.account = 'transfer'), 0)::bigint AS direct,
    coalesce((SELECT -sum(h.amount) FROM earnings_entry h
        WHERE h.vendor_id = $1 AND h.currency = d.currency AND h.paid_at > $2 AND h.account = 'vendor' AND h.kind = 'payment'), 0)::bigint
        AS pending,
    coalesce((SELECT sum(p.amount) FROM earnings_payout p
        WHERE p.vendor_id = $1 AND p.currency = d.currency AND p.status = 'paid'), 0)::bigint AS paid_out
FROM earnings_day d
WHERE d.vendor_id = $1
GROUP BY d.currency
ORDER BY d.currency
