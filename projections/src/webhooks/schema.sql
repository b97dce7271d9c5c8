CREATE TABLE webhooks_webhook (
    webhook_id  uuid        PRIMARY KEY,
    gateway     text        NOT NULL,
    event_id    text        NOT NULL,
    kind        text        NOT NULL,
    -- new, waiting, failed or settled
    state       text        NOT NULL,
    -- of what was settled: applied, nothing_new, ignored or unmatched
    outcome     text,
    -- why it waits, or failed
    reason      text,
    -- what it waits for
    names       text[],
    order_id    uuid,
    received_at timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL,
    position    bigint      NOT NULL
);
