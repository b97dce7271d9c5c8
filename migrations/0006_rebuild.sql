-- What a rebuild needs to know in order to go on after it was interrupted, and to say why a difference is no surprise.

ALTER TABLE souk_ops.projection_generation
    -- Positions that an operator had skipped when the generation was begun: it was built without them.
    ADD COLUMN skipped   bigint[] NOT NULL DEFAULT '{}',
    -- Statements that make what the load goes without: the primary keys.
    ADD COLUMN postponed text[]   NOT NULL DEFAULT '{}',
    -- Whether a building generation has its indexes.
    ADD COLUMN indexed   boolean  NOT NULL DEFAULT false;

ALTER TABLE souk_ops.projection_rebuild
    -- Events a second, over the last seconds.
    ADD COLUMN rate      double precision NOT NULL DEFAULT 0,
    -- Whether a difference without a declared reason keeps the live generation in place.
    ADD COLUMN verify    boolean NOT NULL DEFAULT false,
    -- Whether it was asked for over HTTP: a serving process goes on with it after a crash. Others are run again by who ran them.
    ADD COLUMN served    boolean NOT NULL DEFAULT false,
    -- Whether an operator wants it to end.
    ADD COLUMN cancelled boolean NOT NULL DEFAULT false;
