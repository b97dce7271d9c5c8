-- Names of tables are looked up anew by the next statement, which finds those of the generation: one way to the server less.
WITH moved AS (
    UPDATE souk_ops.projection_checkpoint c SET position = $5,
        event_position = coalesce($7, event_position), event_id = coalesce($8, event_id)
    WHERE projection = $1 AND generation = $2 AND partition = $3 AND position = $4 AND live = $6
    -- Who converts the checkpoints to another number of partitions deletes them first, so one that waited here finds none.
    AND ($9::bigint IS NULL OR $9 = (
        SELECT count(*) FROM souk_ops.projection_checkpoint o
        WHERE o.projection = c.projection AND o.generation = c.generation))
    RETURNING 1
)
SELECT EXISTS (SELECT FROM moved) AND set_config('search_path', $10, true) IS NOT NULL
    AND set_config('synchronous_commit', 'off', true) IS NOT NULL
