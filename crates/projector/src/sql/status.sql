SELECT g.projection, g.generation, g.schema_version, c.position, c.trouble, p.position AS poison_position, p.event_id AS poison_event,
    p.event_type AS poison_type, p.error AS poison_error, r.phase, r.read, r.head AS rebuild_head, r.rate
FROM souk_ops.projection_generation g
CROSS JOIN LATERAL (
    SELECT coalesce(min(c.position), 0) AS position, min(c.trouble) AS trouble FROM souk_ops.projection_checkpoint c
    WHERE c.projection = g.projection AND c.generation = g.generation) c
LEFT JOIN LATERAL (
    SELECT p.position, p.event_id, p.event_type, p.error FROM souk_ops.projection_poison p
    WHERE p.projection = g.projection AND p.generation = g.generation AND p.decision IS NULL
    ORDER BY p.position LIMIT 1) p ON true
-- A rebuild that was killed leaves a row that nobody updates any more.
LEFT JOIN LATERAL (
    SELECT r.phase, r.read, r.head, r.rate FROM souk_ops.projection_rebuild r
    WHERE r.ended_at IS NULL AND g.projection = ANY (r.projections) AND r.updated_at > now() - interval '15 seconds'
    ORDER BY r.id DESC LIMIT 1) r ON true
WHERE g.state = 'live'
