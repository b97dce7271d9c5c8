CREATE TABLE library_plugin (
    plugin_id    uuid PRIMARY KEY,
    name         text NOT NULL,
    display_name text NOT NULL,
    kind         text NOT NULL
);

CREATE TABLE library_installation (
    installation_id uuid        PRIMARY KEY,
    user_id         uuid        NOT NULL,
    plugin_id       uuid        NOT NULL,
    vendor_id       uuid        NOT NULL,
    version         text        NOT NULL,
    license_id      uuid,
    -- installed, uninstalled or blocked
    status          text        NOT NULL,
    since           timestamptz NOT NULL,
    position        bigint      NOT NULL
);

CREATE TABLE library_license (
    license_id uuid        PRIMARY KEY,
    user_id    uuid        NOT NULL,
    plugin_id  uuid        NOT NULL,
    vendor_id  uuid        NOT NULL,
    order_id   uuid        NOT NULL,
    subscription_id uuid,
    -- perpetual, subscription or trial
    kind       text        NOT NULL,
    -- active, suspended or revoked
    status     text        NOT NULL,
    terms      jsonb       NOT NULL,
    expires_at timestamptz,
    -- whether it was recorded that its time is over
    expired    boolean     NOT NULL,
    downloads  bigint      NOT NULL,
    uses       bigint      NOT NULL,
    key_generation bigint  NOT NULL,
    issued_at  timestamptz NOT NULL,
    position   bigint      NOT NULL
);

CREATE TABLE library_activation (
    license_id   uuid        NOT NULL,
    fingerprint  text        NOT NULL,
    -- As the log keeps it, of the event that `activated_by` is.
    label        text        NOT NULL,
    activated_by uuid        NOT NULL,
    activated_at timestamptz NOT NULL,
    PRIMARY KEY (license_id, fingerprint)
);

CREATE TABLE library_order (
    order_id          uuid        PRIMARY KEY,
    user_id           uuid        NOT NULL,
    plugin_id         uuid        NOT NULL,
    vendor_id         uuid        NOT NULL,
    amount            bigint      NOT NULL,
    currency          text        NOT NULL,
    gateway           text        NOT NULL,
    pricing           jsonb       NOT NULL,
    subscription_id   uuid,
    renewal           boolean     NOT NULL,
    -- pending, paid, partially_refunded, refunded, disputed or canceled
    status            text        NOT NULL,
    checkout          text,
    placed_at         timestamptz NOT NULL,
    paid_at           timestamptz,
    payment_reference text,
    refunded_total    bigint      NOT NULL,
    position          bigint      NOT NULL
);

CREATE TABLE library_subscription (
    subscription_id uuid        PRIMARY KEY,
    order_id        uuid        NOT NULL,
    user_id         uuid        NOT NULL,
    plugin_id       uuid        NOT NULL,
    vendor_id       uuid        NOT NULL,
    license_id      uuid        NOT NULL,
    gateway         text        NOT NULL,
    pricing         jsonb       NOT NULL,
    -- trialing, active, past_due or lapsed
    standing        text        NOT NULL,
    period_end      timestamptz NOT NULL,
    ends_then       boolean     NOT NULL,
    started_at      timestamptz NOT NULL,
    position        bigint      NOT NULL
);
