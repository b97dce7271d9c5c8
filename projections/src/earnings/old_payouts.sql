UPDATE earnings_payout p
SET status = n.status, settled_at = n.settled_at, reference = coalesce(n.reference, p.reference), reason = coalesce(n.reason, p.reason)
FROM jsonb_to_recordset($1) AS n (payout_id uuid, status text, settled_at timestamptz, reference text, reason text)
WHERE p.payout_id = n.payout_id
