INSERT INTO library_subscription (subscription_id, order_id, user_id, plugin_id, vendor_id, license_id, gateway, pricing, standing,
    period_end, ends_then, started_at, position)
SELECT n.subscription_id, s.order_id, s.user_id, s.plugin_id, s.vendor_id, s.license_id, s.gateway, s.pricing, n.standing, n.period_end,
    coalesce(n.ends_then, false), s.started_at, s.position
FROM jsonb_to_recordset($1) AS n (subscription_id uuid, standing text, period_end timestamptz, ends_then boolean, started jsonb),
    jsonb_to_record(n.started) AS s (order_id uuid, user_id uuid, plugin_id uuid, vendor_id uuid, license_id uuid, gateway text,
        pricing jsonb, started_at timestamptz, position bigint)
ON CONFLICT (subscription_id) DO NOTHING
