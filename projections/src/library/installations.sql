SELECT x.installation_id AS id, x.plugin_id, coalesce(p.name, '') AS plugin_name,
    coalesce(p.display_name, '') AS plugin_display_name, to_jsonb(coalesce(p.kind, 'asset')) AS plugin_kind,
    x.version, x.status, x.license_id, x.since, x.position
FROM library_installation x
LEFT JOIN library_plugin p ON p.plugin_id = x.plugin_id
