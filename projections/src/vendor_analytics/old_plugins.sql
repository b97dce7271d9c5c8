UPDATE vendor_analytics_plugin p
SET display_name = n.display_name
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, display_name text)
WHERE p.plugin_id = n.plugin_id
