SELECT i.vendor_id, i.kind, i.number, i.source_id, i.order_id, i.buyer_id, i.plugin_id, i.amount, i.tax, i.currency, i.issued_at, i.position,
    coalesce(p.name, '') AS plugin_name, coalesce(v.name, '') AS vendor_name
FROM earnings_invoice i
LEFT JOIN catalogue_plugin p ON p.plugin_id = i.plugin_id
LEFT JOIN catalogue_vendor v ON v.vendor_id = i.vendor_id
