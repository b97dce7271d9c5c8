INSERT INTO library_installation (installation_id, user_id, plugin_id, vendor_id, version, license_id, status, since, position)
SELECT installation_id, user_id, plugin_id, vendor_id, version, license_id, status, since, position
FROM jsonb_to_recordset($1) AS n (installation_id uuid, user_id uuid, plugin_id uuid, vendor_id uuid, version text,
    license_id uuid, status text, since timestamptz, position bigint)
ON CONFLICT (installation_id) DO UPDATE
SET vendor_id = excluded.vendor_id, version = excluded.version, license_id = excluded.license_id, status = excluded.status,
    since = excluded.since, position = excluded.position
