-- What payment gateways sent, word for word and sealed. It may be personal, so it is no event, and is kept for a while only.
CREATE TABLE souk_ops.webhook_body (
    webhook uuid        PRIMARY KEY,
    sealed  bytea       NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX webhook_body_kept_at ON souk_ops.webhook_body (kept_at);
