UPDATE catalogue_rank r
SET kind = n.kind, category = n.category, license = n.license, tags = n.tag_keys
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, kind text, category text, license text, tag_keys text[])
WHERE r.plugin_id = n.plugin_id
