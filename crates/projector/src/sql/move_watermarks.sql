-- Rows that somebody holds are left for the next time: who waits for several rows in no particular order may wait for ever.
WITH asked AS (
    SELECT * FROM unnest($1::text[], $2::integer[], $3::integer[], $4::bigint[], $5::bigint[])
        AS asked (projection, generation, partition, here, there)
), free AS (
    SELECT c.projection, c.generation, c.partition, a.there
    FROM souk_ops.projection_checkpoint c JOIN asked a USING (projection, generation, partition)
    WHERE c.position = a.here AND c.live
    FOR UPDATE OF c SKIP LOCKED
)
UPDATE souk_ops.projection_checkpoint c SET position = free.there
FROM free
WHERE c.projection = free.projection AND c.generation = free.generation AND c.partition = free.partition
RETURNING c.projection, c.partition, c.position
