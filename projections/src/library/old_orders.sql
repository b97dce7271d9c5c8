UPDATE library_order o
SET status = coalesce(n.status, o.status), paid_at = coalesce(n.paid_at, o.paid_at),
    payment_reference = coalesce(n.payment_reference, o.payment_reference),
    refunded_total = coalesce(n.refunded_total, o.refunded_total), checkout = coalesce(n.checkout, o.checkout)
FROM jsonb_to_recordset($1) AS n (order_id uuid, status text, paid_at timestamptz, payment_reference text, refunded_total bigint,
    checkout text)
WHERE o.order_id = n.order_id
