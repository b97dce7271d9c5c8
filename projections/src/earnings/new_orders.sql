INSERT INTO earnings_order (order_id, direct, captured, returned)
SELECT order_id, direct, captured, returned
FROM jsonb_to_recordset($1) AS n (order_id uuid, direct boolean, captured bigint, returned bigint)
ON CONFLICT (order_id) DO NOTHING
