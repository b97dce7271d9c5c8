INSERT INTO reliability_validation (validation_id, plugin_id, version, digest, pipeline, requested_at, position)
SELECT validation_id, plugin_id, version, digest, pipeline, requested_at, position
FROM jsonb_to_recordset($1) AS n (validation_id uuid, plugin_id uuid, version text, digest text, pipeline text[],
    requested_at timestamptz, position bigint)
ON CONFLICT (validation_id) DO NOTHING
