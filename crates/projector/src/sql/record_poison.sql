INSERT INTO souk_ops.projection_poison (projection, position, generation, partition, event_id, event_type, stream, error)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (projection, position) DO UPDATE
SET generation = excluded.generation, partition = excluded.partition, error = excluded.error, found_at = now(),
    decision = CASE WHEN projection_poison.decision = 'skip' THEN 'skip' END, decided_at = NULL
