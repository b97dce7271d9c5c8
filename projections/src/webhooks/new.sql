INSERT INTO webhooks_webhook (webhook_id, gateway, event_id, kind, state, outcome, reason, names, order_id, received_at, changed_at, position)
SELECT n.webhook_id, r.gateway, r.event_id, r.kind, n.state, n.outcome, n.reason, n.names, n.order_id, r.received_at, n.changed_at, r.position
FROM jsonb_to_recordset($1) AS n (webhook_id uuid, state text, outcome text, reason text, names text[], order_id uuid,
        changed_at timestamptz, received jsonb),
    jsonb_to_record(n.received) AS r (gateway text, event_id text, kind text, received_at timestamptz, position bigint)
ON CONFLICT (webhook_id) DO NOTHING
