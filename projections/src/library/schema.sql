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
    -- perpetual or subscription
    kind       text        NOT NULL,
    -- active, suspended or revoked
    status     text        NOT NULL,
    terms      jsonb       NOT NULL,
    expires_at timestamptz,
    issued_at  timestamptz NOT NULL,
    position   bigint      NOT NULL
);

CREATE TABLE library_activation (
    license_id   uuid        NOT NULL,
    fingerprint  text        NOT NULL,
    label        text        NOT NULL,
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
    -- pending, paid, partially_refunded or refunded
    status            text        NOT NULL,
    placed_at         timestamptz NOT NULL,
    paid_at           timestamptz,
    payment_reference text,
    refunded_total    bigint      NOT NULL,
    position          bigint      NOT NULL
);
