INSERT INTO earnings_invoice (vendor_id, kind, number, source_id, order_id, buyer_id, plugin_id, amount, tax, currency, issued_at, position)
SELECT vendor_id, kind, number, source_id, order_id, buyer_id, plugin_id, amount, tax, currency, issued_at, position
FROM jsonb_to_recordset($1) AS n (vendor_id uuid, kind text, number bigint, source_id uuid, order_id uuid, buyer_id uuid, plugin_id uuid,
    amount bigint, tax bigint, currency text, issued_at timestamptz, position bigint)
ON CONFLICT (vendor_id, kind, number) DO NOTHING
