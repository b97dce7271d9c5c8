INSERT INTO reliability_cross_check (plugin_id, position, validation_id, at, version, samples, attempts, consensus)
SELECT plugin_id, position, validation_id, at, version, samples, attempts, consensus
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, position bigint, validation_id uuid, at timestamptz, version text, samples bigint,
    attempts jsonb, consensus smallint)
