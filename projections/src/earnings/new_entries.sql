INSERT INTO earnings_entry (position, account, vendor_id, currency, amount, kind, order_id, payout_id, plugin_id, booked_at, paid_at)
SELECT position, account, vendor_id, currency, amount, kind, order_id, payout_id, plugin_id, booked_at, paid_at
FROM jsonb_to_recordset($1) AS n (position bigint, account text, vendor_id uuid, currency text, amount bigint, kind text, order_id uuid,
    payout_id uuid, plugin_id uuid, booked_at timestamptz, paid_at timestamptz)
ON CONFLICT (position, account) DO NOTHING
