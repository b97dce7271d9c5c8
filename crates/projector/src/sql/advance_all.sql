-- Moves checkpoints, each named once, all or none: the numbers of those that are in place, counted from one. Names of tables are looked
-- up anew by the statements that follow.
CREATE FUNCTION pg_temp.souk_advance(
    projections text[], generations integer[], partitions integer[], here bigint[], there bigint[], event_positions bigint[], event_ids uuid[],
    counts bigint[], path text
) RETURNS bigint[] LANGUAGE plpgsql AS $souk$
DECLARE
    places bigint[];
BEGIN
    PERFORM set_config('search_path', path, true);
    -- Rows are locked in the order of their names, as by everybody who locks several.
    WITH asked AS (
        SELECT *
        FROM unnest(projections, generations, partitions, here, there, event_positions, event_ids, counts)
            WITH ORDINALITY AS asked (projection, generation, partition, here, there, event_position, event_id, count, place)
    ), here AS (
        SELECT c.projection, c.generation, c.partition, a.place, a.there, a.event_position, a.event_id
        FROM souk_ops.projection_checkpoint c JOIN asked a USING (projection, generation, partition)
        WHERE c.position = a.here AND c.live
        -- Who converts the checkpoints to another number of partitions deletes them first, so one that waited here finds none.
        AND (a.count IS NULL OR a.count = (
            SELECT count(*) FROM souk_ops.projection_checkpoint o
            WHERE o.projection = c.projection AND o.generation = c.generation))
        ORDER BY c.projection COLLATE "C", c.generation, c.partition
        FOR UPDATE OF c
    ), moved AS (
        UPDATE souk_ops.projection_checkpoint c SET position = h.there,
            event_position = coalesce(h.event_position, c.event_position), event_id = coalesce(h.event_id, c.event_id)
        FROM here h
        WHERE c.projection = h.projection AND c.generation = h.generation AND c.partition = h.partition
        AND (SELECT count(*) FROM here) = cardinality(projections)
    )
    SELECT coalesce(array_agg(place), '{}') INTO places FROM here;
    RETURN places;
END
$souk$
