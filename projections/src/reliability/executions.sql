INSERT INTO reliability_execution AS e (plugin_id, day, succeeded, failed, position, at)
SELECT plugin_id, day, succeeded, failed, position, at
FROM jsonb_to_recordset($1) AS n (plugin_id uuid, day date, succeeded bigint, failed bigint, position bigint, at timestamptz)
ON CONFLICT (plugin_id, day) DO UPDATE
SET succeeded = e.succeeded + excluded.succeeded, failed = e.failed + excluded.failed,
    position = GREATEST(e.position, excluded.position), at = GREATEST(e.at, excluded.at)
