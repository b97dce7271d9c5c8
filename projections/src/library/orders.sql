SELECT x.order_id AS id, x.plugin_id, coalesce(p.name, '') AS plugin_name,
    coalesce(p.display_name, '') AS plugin_display_name, to_jsonb(coalesce(p.kind, 'asset')) AS plugin_kind,
    x.user_id, x.vendor_id, x.status, x.amount, x.currency, x.gateway, x.pricing, x.placed_at, x.paid_at,
    x.payment_reference, x.subscription_id, x.checkout, x.refunded_total, x.position
FROM library_order x
LEFT JOIN library_plugin p ON p.plugin_id = x.plugin_id
