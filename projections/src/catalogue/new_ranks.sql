INSERT INTO catalogue_rank (plugin_id, changed)
SELECT plugin_id, position
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, position bigint)
ON CONFLICT (plugin_id) DO NOTHING
