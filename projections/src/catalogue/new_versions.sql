INSERT INTO catalogue_version AS v (plugin_id, version, sort_key, prerelease, digest, size, status, confidence, signed,
    submitted_at, approved_at)
SELECT plugin_id, version, decode(sort_key, 'hex'), prerelease, digest, size, status, confidence, signed, submitted_at, approved_at
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, version text, sort_key text, prerelease boolean, digest text, size bigint,
    status smallint, confidence smallint, signed boolean, submitted_at timestamptz, approved_at bigint)
ON CONFLICT (plugin_id, version) DO UPDATE
SET status = excluded.status, confidence = coalesce(excluded.confidence, v.confidence),
    approved_at = coalesce(excluded.approved_at, v.approved_at)
