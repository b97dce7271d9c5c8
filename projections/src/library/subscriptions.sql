SELECT x.subscription_id AS id, x.plugin_id, coalesce(p.name, '') AS plugin_name,
    coalesce(p.display_name, '') AS plugin_display_name, to_jsonb(coalesce(p.kind, 'asset')) AS plugin_kind,
    x.order_id, x.user_id, x.vendor_id, x.license_id, x.gateway, x.pricing, x.standing, x.period_end, x.ends_then, x.started_at,
    x.position
FROM library_subscription x
LEFT JOIN library_plugin p ON p.plugin_id = x.plugin_id
