-- What a plugin says of itself and costs follows in the same transaction.
INSERT INTO catalogue_plugin (plugin_id, vendor_id, name, name_key, display_name, summary, description, tags, media,
    requirements, pricing, terms, created_at, updated_at)
SELECT plugin_id, vendor_id, name, name_key, '', '', '', '{}', '[]', '{}', '{}', '{}', created_at, created_at
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, vendor_id uuid, name text, name_key text, created_at timestamptz)
ON CONFLICT (plugin_id) DO NOTHING
