UPDATE library_installation i
SET version = n.version, license_id = CASE WHEN n.license_changed THEN n.license_id ELSE i.license_id END,
    status = n.status, since = n.since, position = n.position
FROM jsonb_to_recordset($1) AS n (installation_id uuid, version text, license_changed boolean, license_id uuid, status text,
    since timestamptz, position bigint)
WHERE i.installation_id = n.installation_id
