UPDATE vendor_analytics_order o
SET paid_on = coalesce(o.paid_on, n.paid_on)
FROM jsonb_to_recordset($1) AS n (order_id uuid, paid_on date)
WHERE o.order_id = n.order_id
