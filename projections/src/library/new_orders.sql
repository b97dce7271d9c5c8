INSERT INTO library_order (order_id, user_id, plugin_id, vendor_id, amount, currency, gateway, pricing, subscription_id, renewal, status,
    checkout, placed_at, paid_at, payment_reference, refunded_total, position)
SELECT n.order_id, p.user_id, p.plugin_id, p.vendor_id, p.amount, p.currency, p.gateway, p.pricing, p.subscription_id, p.renewal, n.status,
    n.checkout, p.placed_at, n.paid_at, n.payment_reference, coalesce(n.refunded_total, 0), p.position
FROM jsonb_to_recordset($1) AS n (order_id uuid, status text, paid_at timestamptz, payment_reference text,
        refunded_total bigint, checkout text, placed jsonb),
    jsonb_to_record(n.placed) AS p (user_id uuid, plugin_id uuid, vendor_id uuid, amount bigint, currency text, gateway text,
        pricing jsonb, subscription_id uuid, renewal boolean, placed_at timestamptz, position bigint)
ON CONFLICT (order_id) DO NOTHING
