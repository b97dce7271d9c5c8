-- Appends one batch of entries in order. An entry is what one caller wants at the end of one stream: all of its events or
-- none. Each entry sees the earlier ones; one that does not fit fails alone.
--
-- The entry_ arrays have one element an entry, the event_ arrays one an event, entry after entry. An expected version of -1
-- means that there is no stream yet. Batches that need no such care are written by append_apart.sql. What apart and
-- first_position were for is done there; they stay because processes of older versions call this function too.
--
-- Gives for each entry
--   outcome 0: its events are in the log (now, or by an earlier try), the last one with this version and position;
--   outcome 1: conflict; version is that of the stream's last event, -1 when it has none;
--   outcome 2: refused, an event id is taken.
--
-- The lock makes writers take turns until they have committed, so positions follow each other in the order of commits. What
-- comes behind the lock must see what was committed before it: the function is VOLATILE, so that each of its statements has
-- a snapshot of its own, and refuses isolation levels under which that is not so.
CREATE OR REPLACE FUNCTION souk_log.append(
    apart          boolean,
    entry_category text[],
    entry_stream   uuid[],
    entry_expected bigint[],
    entry_size     integer[],
    event_category text[],
    event_stream   uuid[],
    event_version  integer[],
    event_id       uuid[],
    event_type     text[],
    event_schema   integer[],
    event_data     bytea[],
    event_metadata bytea[],
    OUT first_position bigint,
    OUT outcomes   smallint[],
    OUT versions   bigint[],
    OUT positions  bigint[]
)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
-- One plan for all batches, by index from the first event on: what fits an empty table would be kept for a full one.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
    head     bigint;
    recorded timestamptz;
    low      integer;
    high     integer := 0;
    actual   bigint;
    same     bigint;
    place    bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'souk_log.append needs READ COMMITTED';
    END IF;
    PERFORM pg_advisory_xact_lock(1399813419);

    SELECT event.position, event.recorded_at INTO head, recorded FROM souk_log.event ORDER BY event.position DESC LIMIT 1;
    head := coalesce(head, 0);
    recorded := greatest(recorded, clock_timestamp());

    outcomes := array_fill(0::smallint, ARRAY[cardinality(entry_size)]);
    versions := array_fill(-1::bigint, ARRAY[cardinality(entry_size)]);
    positions := array_fill(0::bigint, ARRAY[cardinality(entry_size)]);
    FOR entry IN 1 .. cardinality(entry_size) LOOP
        low := high + 1;
        high := high + entry_size[entry];
        actual := coalesce((
            SELECT event.version FROM souk_log.event
            WHERE event.stream = entry_stream[entry] AND event.category = entry_category[entry]
            ORDER BY event.version DESC LIMIT 1), -1);

        IF actual <> entry_expected[entry] THEN
            SELECT count(*), max(event.position) INTO same, place
            FROM unnest(event_id[low:high]) WITH ORDINALITY AS tried (id, n)
            JOIN souk_log.event ON event.stream = entry_stream[entry] AND event.category = entry_category[entry]
                AND event.version = entry_expected[entry] + tried.n AND event.id = tried.id;
            IF same = entry_size[entry] THEN
                versions[entry] := entry_expected[entry] + same;
                positions[entry] := place;
            ELSE
                outcomes[entry] := 1;
                versions[entry] := actual;
            END IF;
        ELSIF EXISTS (SELECT FROM souk_log.event WHERE event.id = ANY (event_id[low:high])) THEN
            outcomes[entry] := 2;
        ELSE
            INSERT INTO souk_log.event
                (position, recorded_at, version, schema_version, stream, id, category, type, data, metadata)
            SELECT head + given.n, recorded, given.version, given.schema, entry_stream[entry], given.id,
                entry_category[entry], given.type, given.data, given.metadata
            FROM unnest(event_version[low:high], event_id[low:high], event_type[low:high], event_schema[low:high],
                event_data[low:high], event_metadata[low:high])
                WITH ORDINALITY AS given (version, id, type, schema, data, metadata, n);
            head := head + entry_size[entry];
            versions[entry] := actual + entry_size[entry];
            positions[entry] := head;
        END IF;
    END LOOP;
    -- Also when nothing was written: a reader woken for nothing is cheap.
    PERFORM pg_notify('souk_log', head::text);
END
$$;
