INSERT INTO vendor_analytics_order (order_id, vendor_id, plugin_id, user_id, placed_on, paid_on)
SELECT n.order_id, p.vendor_id, p.plugin_id, p.user_id, p.placed_on, n.paid_on
FROM jsonb_to_recordset($1) AS n (order_id uuid, paid_on date, placed jsonb),
    jsonb_to_record(n.placed) AS p (vendor_id uuid, plugin_id uuid, user_id uuid, placed_on date)
ON CONFLICT (order_id) DO NOTHING
