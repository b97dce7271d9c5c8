UPDATE catalogue_plugin p
SET pricing = n.pricing, terms = n.terms
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, pricing jsonb, terms jsonb)
WHERE p.plugin_id = n.plugin_id
