INSERT INTO earnings_payout (payout_id, vendor_id, amount, currency, status, batch_id, requested_at, settled_at, reference, reason, position)
SELECT n.payout_id, r.vendor_id, r.amount, r.currency, n.status, r.batch_id, r.requested_at, n.settled_at, n.reference, n.reason, r.position
FROM jsonb_to_recordset($1) AS n (payout_id uuid, status text, settled_at timestamptz, reference text, reason text, requested jsonb),
    jsonb_to_record(n.requested) AS r (vendor_id uuid, amount bigint, currency text, batch_id uuid, requested_at timestamptz, position bigint)
ON CONFLICT (payout_id) DO NOTHING
