-- What is kept about read models. The read models themselves live in schemas of their own, one a generation, and are not
-- migrated: they are rebuilt.

CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public;

CREATE SCHEMA IF NOT EXISTS souk_ops;

-- Every generation of every projection. `building` is being filled, `live` serves, `retired` was replaced and is dropped
-- after a grace period, `dropped` is only remembered, so that no number is used twice.
CREATE TABLE souk_ops.projection_generation (
    projection     text        NOT NULL,
    generation     integer     NOT NULL CHECK (generation > 0),
    schema_name    text        NOT NULL UNIQUE,
    schema_version integer     NOT NULL,
    state          text        NOT NULL CHECK (state IN ('building', 'live', 'retired', 'dropped')),
    created_at     timestamptz NOT NULL DEFAULT now(),
    live_at        timestamptz,
    retired_at     timestamptz,
    PRIMARY KEY (projection, generation)
);

CREATE UNIQUE INDEX projection_generation_live ON souk_ops.projection_generation (projection) WHERE state = 'live';

-- How far each generation has come, partition by partition of the feed. `live` repeats the generation's state, because a
-- flush that waited for this row sees only this row again, and must not go to a generation that was replaced meanwhile.
CREATE TABLE souk_ops.projection_checkpoint (
    projection text    NOT NULL,
    generation integer NOT NULL,
    partition  integer NOT NULL CHECK (partition >= 0),
    position   bigint  NOT NULL CHECK (position >= 0),
    live       boolean NOT NULL,
    PRIMARY KEY (projection, generation, partition),
    FOREIGN KEY (projection, generation) REFERENCES souk_ops.projection_generation ON DELETE CASCADE
) WITH (fillfactor = 50);

-- Events that a projection could not take. One without a decision stops its projection; a skipped one is skipped by every
-- later rebuild as well.
CREATE TABLE souk_ops.projection_poison (
    projection text        NOT NULL,
    position   bigint      NOT NULL,
    generation integer     NOT NULL,
    partition  integer     NOT NULL,
    event_id   uuid        NOT NULL,
    event_type text        NOT NULL,
    stream     text        NOT NULL,
    error      text        NOT NULL,
    found_at   timestamptz NOT NULL DEFAULT now(),
    decision   text        CHECK (decision IN ('retry', 'skip')),
    decided_at timestamptz,
    PRIMARY KEY (projection, position)
);

-- Rebuilds that run or ran, so that every process can say how far one has come.
CREATE TABLE souk_ops.projection_rebuild (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    projections text[]      NOT NULL,
    phase       text        NOT NULL,
    read        bigint      NOT NULL DEFAULT 0,
    head        bigint      NOT NULL DEFAULT 0,
    started_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    ended_at    timestamptz,
    outcome     text
);

CREATE INDEX projection_rebuild_running ON souk_ops.projection_rebuild (id) WHERE ended_at IS NULL;
