UPDATE earnings_order o
SET captured = n.captured, returned = n.returned
FROM jsonb_to_recordset($1) AS n (order_id uuid, captured bigint, returned bigint)
WHERE o.order_id = n.order_id
