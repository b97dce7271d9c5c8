CREATE SCHEMA IF NOT EXISTS souk_ops;

CREATE TABLE IF NOT EXISTS souk_ops.person_key (
    subject      uuid        PRIMARY KEY,
    -- Wrapped by the key-encryption key; none once it was destroyed. The row stays, so that no second key is made.
    wrapped      bytea,
    created_at   timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz,
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);
