UPDATE library_license l
SET status = coalesce(n.status, l.status),
    expires_at = CASE WHEN n.moved THEN n.expires_at ELSE l.expires_at END,
    kind = coalesce(n.kind, l.kind),
    expired = coalesce(n.expired, l.expired),
    downloads = coalesce(n.downloads, l.downloads),
    uses = coalesce(n.uses, l.uses),
    key_generation = coalesce(n.key_generation, l.key_generation)
FROM jsonb_to_recordset($1) AS n (license_id uuid, status text, moved boolean, expires_at timestamptz, kind text, expired boolean,
    downloads bigint, uses bigint, key_generation bigint)
WHERE l.license_id = n.license_id
