UPDATE library_license l
SET status = n.status
FROM jsonb_to_recordset($1) AS n (license_id uuid, status text)
WHERE l.license_id = n.license_id AND n.status IS NOT NULL
