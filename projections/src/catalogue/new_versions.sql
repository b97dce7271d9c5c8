INSERT INTO catalogue_version (plugin_id, version, sort_key, prerelease, digest, size, status, submitted_at)
SELECT plugin_id, version, decode(sort_key, 'hex'), prerelease, digest, size, 0, submitted_at
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, version text, sort_key text, prerelease boolean, digest text, size bigint,
    submitted_at timestamptz)
ON CONFLICT (plugin_id, version) DO NOTHING
