INSERT INTO library_activation (license_id, fingerprint, label, activated_by, activated_at)
SELECT license_id, fingerprint, label, activated_by, activated_at
FROM jsonb_to_recordset($1) AS n (license_id uuid, fingerprint text, label text, activated_by uuid, activated_at timestamptz)
ON CONFLICT (license_id, fingerprint) DO UPDATE SET label = excluded.label, activated_by = excluded.activated_by,
    activated_at = excluded.activated_at
