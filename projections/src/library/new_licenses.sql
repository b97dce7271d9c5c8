INSERT INTO library_license (license_id, user_id, plugin_id, vendor_id, order_id, subscription_id, kind, status, terms, expires_at, expired,
    downloads, uses, key_generation, issued_at, position)
SELECT n.license_id, i.user_id, i.plugin_id, i.vendor_id, i.order_id, i.subscription_id, coalesce(n.kind, i.kind), n.status, i.terms,
    CASE WHEN n.moved THEN n.expires_at ELSE i.expires_at END, coalesce(n.expired, false), coalesce(n.downloads, 0),
    coalesce(n.uses, 0), coalesce(n.key_generation, 0), i.issued_at, i.position
FROM jsonb_to_recordset($1) AS n (license_id uuid, status text, moved boolean, expires_at timestamptz, kind text, expired boolean,
        downloads bigint, uses bigint, key_generation bigint, issued jsonb),
    jsonb_to_record(n.issued) AS i (user_id uuid, plugin_id uuid, vendor_id uuid, order_id uuid, subscription_id uuid, kind text,
        terms jsonb, expires_at timestamptz, issued_at timestamptz, position bigint)
ON CONFLICT (license_id) DO NOTHING
