INSERT INTO library_license (license_id, user_id, plugin_id, vendor_id, order_id, kind, status, terms, expires_at, issued_at, position)
SELECT n.license_id, i.user_id, i.plugin_id, i.vendor_id, i.order_id, i.kind, n.status, i.terms, i.expires_at, i.issued_at, i.position
FROM jsonb_to_recordset($1) AS n (license_id uuid, status text, issued jsonb),
    jsonb_to_record(n.issued) AS i (user_id uuid, plugin_id uuid, vendor_id uuid, order_id uuid, kind text, terms jsonb,
        expires_at timestamptz, issued_at timestamptz, position bigint)
ON CONFLICT (license_id) DO NOTHING
