INSERT INTO vendor_analytics_plugin (plugin_id, name, display_name)
SELECT plugin_id, name, display_name
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, name text, display_name text)
ON CONFLICT (plugin_id) DO NOTHING
