-- What must not be an event, or is not worth one: credentials, persons' keys, idempotency records, reactions.
CREATE SCHEMA souk_ops;

CREATE TABLE souk_ops.password (
    user_id    uuid        PRIMARY KEY,
    -- PHC string.
    hash       text        NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);

-- One login: the refresh tokens that descend from it are revoked together.
CREATE TABLE souk_ops.refresh_family (
    family     uuid        PRIMARY KEY,
    user_id    uuid        NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
CREATE INDEX refresh_family_user ON souk_ops.refresh_family (user_id);

-- Spent tokens stay as long as their family: only so is it noticed that one is used again.
CREATE TABLE souk_ops.refresh_token (
    -- SHA-256 of the token.
    hash       bytea       PRIMARY KEY CHECK (octet_length(hash) = 32),
    family     uuid        NOT NULL REFERENCES souk_ops.refresh_family ON DELETE CASCADE,
    expires_at timestamptz NOT NULL,
    spent_at   timestamptz
);
CREATE INDEX refresh_token_family ON souk_ops.refresh_token (family);

CREATE TABLE souk_ops.api_key (
    -- SHA-256 of the key.
    hash     bytea       PRIMARY KEY CHECK (octet_length(hash) = 32),
    user_id  uuid        NOT NULL,
    key_id   uuid        NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, key_id)
);

-- Losing this table, or the key-encryption key, makes all personal data unreadable.
CREATE TABLE souk_ops.person_key (
    subject      uuid        PRIMARY KEY,
    -- Wrapped by the key-encryption key; none once it was destroyed. The row stays, so that no second key is made.
    wrapped      bytea,
    created_at   timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz,
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);

CREATE TABLE souk_ops.idempotency (
    -- The command's id.
    key         uuid        PRIMARY KEY,
    -- SHA-256 of method, path and body.
    fingerprint bytea       NOT NULL CHECK (octet_length(fingerprint) = 32),
    claimed_at  timestamptz NOT NULL,
    lease_until timestamptz NOT NULL,
    finished_at timestamptz,
    -- The answer: HTTP status, position in the log if it had one, sealed body.
    status      integer     CHECK (status BETWEEN 0 AND 65535),
    position    bigint      CHECK (position >= 0),
    body        bytea,
    CHECK ((finished_at IS NULL) = (status IS NULL) AND (finished_at IS NULL) = (body IS NULL))
);
CREATE INDEX idempotency_claimed ON souk_ops.idempotency (claimed_at);

CREATE TABLE souk_ops.reaction_checkpoint (
    reaction   text        PRIMARY KEY,
    position   bigint      NOT NULL CHECK (position >= 0),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE souk_ops.reaction_lease (
    reaction   text        PRIMARY KEY,
    holder     uuid        NOT NULL,
    held_until timestamptz NOT NULL
);

CREATE TABLE souk_ops.reaction_parked (
    reaction  text        NOT NULL,
    position  bigint      NOT NULL CHECK (position >= 0),
    event     uuid        NOT NULL,
    reason    text        NOT NULL,
    attempts  integer     NOT NULL CHECK (attempts >= 0),
    parked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (reaction, position)
);
