SELECT position
FROM timeline_event
WHERE plugin_id = $1 AND position > $2
ORDER BY position
LIMIT $3
