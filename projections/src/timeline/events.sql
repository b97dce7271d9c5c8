SELECT position, event_id, event_type, recorded_at, stream, version
FROM timeline_event
WHERE plugin_id = $1 AND position > $2
ORDER BY position
LIMIT $3
