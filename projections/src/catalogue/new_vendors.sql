INSERT INTO catalogue_vendor (vendor_id, owner_id, name, slug, verified, suspended, registered_at, position, changed)
SELECT vendor_id, owner_id, name, slug, verified, suspended, registered_at, position, changed
FROM jsonb_to_recordset($1) AS n (vendor_id uuid, owner_id uuid, name text, slug text, verified boolean, suspended boolean,
    registered_at timestamptz, position bigint, changed bigint)
ON CONFLICT (vendor_id) DO NOTHING
