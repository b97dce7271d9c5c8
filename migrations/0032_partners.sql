-- What is kept of partners beside their events.

-- Which there are, or are about to be: noted before a partner's first event.
CREATE TABLE souk_ops.partner (
    partner  uuid        PRIMARY KEY,
    noted_at timestamptz NOT NULL DEFAULT now()
);

-- SHA-256 of the keys that open something.
CREATE TABLE souk_ops.partner_key (
    hash    bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    partner uuid  NOT NULL,
    key     uuid  NOT NULL UNIQUE
);

-- Up to where a partner said that it has everything.
CREATE TABLE souk_ops.partner_cursor (
    partner  uuid        PRIMARY KEY,
    position bigint      NOT NULL CHECK (position >= 0),
    at       timestamptz NOT NULL DEFAULT now()
);

-- Where partners are called. The secrets are sealed.
CREATE TABLE souk_ops.partner_webhook (
    webhook         uuid        PRIMARY KEY,
    partner         uuid        NOT NULL,
    url             text        NOT NULL,
    types           text[]      NOT NULL,
    secret          bytea       NOT NULL,
    previous_secret bytea,
    previous_until  timestamptz,
    -- Why it is not called; it is where there is no reason.
    disabled        text,
    -- Everything up to here was delivered, or is none of its business.
    position        bigint      NOT NULL CHECK (position >= 0),
    -- Failed attempts at what comes next, and not before when the next one is made.
    attempts        integer     NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    -- Raised by every change of its owner.
    generation      bigint      NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    -- Who calls it, and until when nobody else does.
    holder          uuid,
    held_until      timestamptz,
    CHECK ((previous_secret IS NULL) = (previous_until IS NULL)),
    CHECK ((holder IS NULL) = (held_until IS NULL))
);
CREATE INDEX partner_webhook_partner ON souk_ops.partner_webhook (partner, created_at);
CREATE INDEX partner_webhook_enabled ON souk_ops.partner_webhook (held_until) WHERE disabled IS NULL;

-- Attempts to deliver; kept for a while only.
CREATE TABLE souk_ops.partner_delivery (
    number      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook     uuid        NOT NULL REFERENCES souk_ops.partner_webhook ON DELETE CASCADE,
    event       uuid        NOT NULL,
    event_type  text        NOT NULL,
    position    bigint,
    attempt     integer     NOT NULL,
    delivered   boolean     NOT NULL,
    status      smallint,
    problem     text,
    at          timestamptz NOT NULL,
    duration_ms integer     NOT NULL
);
CREATE INDEX partner_delivery_webhook ON souk_ops.partner_delivery (webhook, number);
CREATE INDEX partner_delivery_at ON souk_ops.partner_delivery (at);
