-- $1 vendor, $2 currency, $3 payments after this do not count yet. What was paid out is for the vendor's stream to say.
SELECT (coalesce((SELECT -sum(d.amount) FROM earnings_day d
        WHERE d.vendor_id = $1 AND d.currency = $2 AND d.account = 'vendor' AND d.kind NOT IN ('payout_requested', 'payout_failed')), 0)
    - coalesce((SELECT -sum(h.amount) FROM earnings_entry h
        WHERE h.vendor_id = $1 AND h.currency = $2 AND h.paid_at > $3 AND h.account = 'vendor' AND h.kind = 'payment'), 0))::bigint
