-- What persons are told. No text about a person: who a mail goes to is read from the person's stream when it is sent.
CREATE TABLE souk_ops.notice (
    -- derived from event, person and kind
    notice   uuid        PRIMARY KEY,
    person   uuid        NOT NULL,
    kind     text        NOT NULL,
    -- ids, names of plugins and vendors, amounts
    details  jsonb       NOT NULL,
    happened timestamptz NOT NULL,
    -- whether the inbox shows it
    in_app   boolean     NOT NULL,
    read_at  timestamptz
);
CREATE INDEX notice_inbox ON souk_ops.notice (person, happened DESC, notice DESC) WHERE in_app;
CREATE INDEX notice_unread ON souk_ops.notice (person, happened) WHERE in_app AND read_at IS NULL;
CREATE INDEX notice_hidden ON souk_ops.notice (person) WHERE NOT in_app;
CREATE INDEX notice_happened ON souk_ops.notice (happened);

-- What somebody chose; without a row it is as it is by default.
CREATE TABLE souk_ops.notice_choice (
    person   uuid    NOT NULL,
    category text    NOT NULL,
    in_app   boolean NOT NULL,
    email    boolean NOT NULL,
    PRIMARY KEY (person, category)
);

-- How far the announcement of an event has come among those whom it concerns.
CREATE TABLE souk_ops.notice_round (
    event   uuid        PRIMARY KEY,
    person  uuid        NOT NULL,
    came_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX notice_round_came_at ON souk_ops.notice_round (came_at);

-- The mails, each of a notice.
CREATE TABLE souk_ops.mail (
    notice        uuid        PRIMARY KEY REFERENCES souk_ops.notice ON DELETE CASCADE,
    state         text        NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'failed', 'dropped')),
    attempts      integer     NOT NULL DEFAULT 0,
    queued_at     timestamptz NOT NULL DEFAULT now(),
    -- Since when it waits; later than queued_at when an operator let it wait again.
    waits_since   timestamptz NOT NULL DEFAULT now(),
    due_at        timestamptz NOT NULL DEFAULT now(),
    claim         uuid,
    claimed_until timestamptz,
    -- Codes and words of Souk, never the server's own text, which may quote an address.
    problem       text
);
CREATE INDEX mail_due ON souk_ops.mail (due_at) WHERE state = 'waiting';
CREATE INDEX mail_queued ON souk_ops.mail (queued_at DESC, notice DESC);
CREATE INDEX mail_state ON souk_ops.mail (state, queued_at DESC, notice DESC);
