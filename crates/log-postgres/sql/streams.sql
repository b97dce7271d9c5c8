-- The first events of several streams, each from a version on and at most so many, with the place of the one who asked, from 1.
SELECT event.position, event.recorded_at, event.version, event.schema_version, event.stream, event.id, event.category,
    event.type, event.data, event.metadata, asked.place
FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::bigint[])
    WITH ORDINALITY AS asked (stream, category, version, most, place)
CROSS JOIN LATERAL (
    SELECT * FROM souk_log.event
    WHERE event.stream = asked.stream AND event.category = asked.category AND event.version >= asked.version
    ORDER BY event.version LIMIT asked.most
) AS event
