SELECT x.license_id AS id, x.plugin_id, coalesce(p.name, '') AS plugin_name,
    coalesce(p.display_name, '') AS plugin_display_name, to_jsonb(coalesce(p.kind, 'asset')) AS plugin_kind,
    x.kind, x.status, (x.terms ->> 'maxDevices')::bigint AS max_devices, x.terms,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('fingerprint', a.fingerprint, 'label', a.label, 'activatedBy', a.activated_by,
                'activatedAt', a.activated_at) ORDER BY a.activated_at, a.fingerprint), '[]')
     FROM library_activation a
     WHERE a.license_id = x.license_id) AS activations,
    x.expires_at, x.expired, x.downloads, x.uses, x.key_generation, x.subscription_id, x.order_id, x.user_id, x.vendor_id, x.issued_at, x.position
FROM library_license x
LEFT JOIN library_plugin p ON p.plugin_id = x.plugin_id
