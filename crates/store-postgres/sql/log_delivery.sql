INSERT INTO souk_ops.partner_delivery
    (webhook, event, event_type, position, attempt, delivered, status, problem, at, duration_ms)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
WHERE EXISTS (SELECT FROM souk_ops.partner_webhook WHERE webhook = $1)
