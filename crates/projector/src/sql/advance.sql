UPDATE souk_ops.projection_checkpoint c SET position = $5,
    event_position = coalesce($7, event_position), event_id = coalesce($8, event_id)
WHERE projection = $1 AND generation = $2 AND partition = $3 AND position = $4 AND live = $6
-- Who converts the checkpoints to another number of partitions deletes them first, so one that waited here finds none.
AND ($9::bigint IS NULL OR $9 = (
    SELECT count(*) FROM souk_ops.projection_checkpoint o
    WHERE o.projection = c.projection AND o.generation = c.generation))
