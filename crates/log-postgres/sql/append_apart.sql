-- Appends one batch of entries of which no two are of one stream: all of them or none.
--
-- The event_ arrays have one element an event, entry after entry. The doubtful_ arrays name the streams that must be looked
-- at before: those that must end with a version which the caller does not know to be there. For all others it is enough
-- that no two events of a stream have one version: what is not as expected then fails as a violation of event_stream_version.
--
-- Gives the position of the first event; the others follow it in order. None when a doubtful stream does not end as expected:
-- then nothing was written.
--
-- The lock, and what it is good for: see append.sql.
CREATE OR REPLACE FUNCTION souk_log.append_apart(
    doubtful_category text[],
    doubtful_stream   uuid[],
    doubtful_expected bigint[],
    event_category text[],
    event_stream   uuid[],
    event_version  integer[],
    event_id       uuid[],
    event_type     text[],
    event_schema   integer[],
    event_data     bytea[],
    event_metadata bytea[]
)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
-- One plan for all batches, by index from the first event on: what fits an empty table would be kept for a full one.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
    head     bigint;
    recorded timestamptz;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'souk_log.append_apart needs READ COMMITTED';
    END IF;
    PERFORM pg_advisory_xact_lock(1399813419);

    SELECT event.position, event.recorded_at INTO head, recorded FROM souk_log.event ORDER BY event.position DESC LIMIT 1;
    head := coalesce(head, 0);
    recorded := greatest(recorded, clock_timestamp());

    IF cardinality(doubtful_stream) > 0 AND EXISTS (
        SELECT FROM unnest(doubtful_category, doubtful_stream, doubtful_expected) AS entry (category, stream, expected)
        WHERE entry.expected <> coalesce((
            SELECT event.version FROM souk_log.event
            WHERE event.stream = entry.stream AND event.category = entry.category
            ORDER BY event.version DESC LIMIT 1), -1))
    THEN
        RETURN NULL;
    END IF;

    INSERT INTO souk_log.event
        (position, recorded_at, version, schema_version, stream, id, category, type, data, metadata)
    SELECT head + given.n, recorded, given.version, given.schema, given.stream, given.id, given.category, given.type,
        given.data, given.metadata
    FROM unnest(event_category, event_stream, event_version, event_id, event_type, event_schema, event_data,
        event_metadata) WITH ORDINALITY AS given (category, stream, version, id, type, schema, data, metadata, n);
    PERFORM pg_notify('souk_log', (head + cardinality(event_id))::text);
    RETURN head + 1;
END
$$;
