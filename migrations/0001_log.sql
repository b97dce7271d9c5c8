-- The event log: append-only, positions without gaps. Only souk_log.append writes it, under its lock.
-- Columns of fixed length stand first and widest first, so that rows carry no padding.
CREATE SCHEMA souk_log;

CREATE TABLE souk_log.event (
    position       bigint      NOT NULL,
    recorded_at    timestamptz NOT NULL,
    -- Place in the stream, from 0.
    version        integer     NOT NULL,
    schema_version integer     NOT NULL,
    stream         uuid        NOT NULL,
    id             uuid        NOT NULL,
    category       text        COLLATE "C" NOT NULL,
    type           text        COLLATE "C" NOT NULL,
    -- Exact bytes: the ledger hashes them.
    data           bytea       NOT NULL,
    metadata       bytea       NOT NULL,
    CONSTRAINT event_position PRIMARY KEY (position),
    CONSTRAINT event_stream_version UNIQUE (stream, category, version),
    CONSTRAINT event_id UNIQUE (id)
);

-- Nothing is ever deleted, so vacuum has only tuples to freeze and pages to mark as visible, which pays off early for
-- readers of the newest events.
ALTER TABLE souk_log.event SET (autovacuum_vacuum_insert_scale_factor = 0.05);
