-- What a plugin says of itself and costs follows in the same transaction.
INSERT INTO catalogue_plugin (plugin_id, vendor_id, name, name_key, display_name, kind, summary, description, category, tags,
    license, media, requirements, pricing, terms, created_at, updated_at, position, described)
SELECT plugin_id, vendor_id, name, name_key, '', '', '', '', '', '{}', '', '[]', '{}', '{}', '{}', created_at, created_at, position,
    position
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, vendor_id uuid, name text, name_key text, created_at timestamptz,
    position bigint)
ON CONFLICT (plugin_id) DO NOTHING
