INSERT INTO library_plugin (plugin_id, name, display_name, kind)
SELECT plugin_id, name, display_name, kind
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, name text, display_name text, kind text)
ON CONFLICT (plugin_id) DO NOTHING
