UPDATE webhooks_webhook w
SET state = n.state, outcome = n.outcome, reason = n.reason, names = n.names, order_id = coalesce(n.order_id, w.order_id),
    changed_at = n.changed_at
FROM jsonb_to_recordset($1) AS n (webhook_id uuid, state text, outcome text, reason text, names text[], order_id uuid,
    changed_at timestamptz)
WHERE w.webhook_id = n.webhook_id
