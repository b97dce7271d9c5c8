UPDATE catalogue_rank r
SET pricing_model = n.pricing_model
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, pricing_model text)
WHERE r.plugin_id = n.plugin_id
