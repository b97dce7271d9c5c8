DELETE FROM library_activation a
USING unnest($1::uuid[], $2::text[]) AS n (license_id, fingerprint)
WHERE a.license_id = n.license_id AND a.fingerprint = n.fingerprint
