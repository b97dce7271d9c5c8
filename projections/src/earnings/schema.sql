-- What of an order later events of it are reckoned by.
CREATE TABLE earnings_order (
    order_id uuid    PRIMARY KEY,
    -- whether the gateway pays the vendor's share to an account of the vendor's own
    direct   boolean NOT NULL,
    -- minor units that were paid, with taxes
    captured bigint  NOT NULL,
    -- minor units that went back, or are taken away; may be more than was paid
    returned bigint  NOT NULL
);

-- One row an account and transaction, which is an event. The rows of a transaction sum to zero.
CREATE TABLE earnings_entry (
    position  bigint      NOT NULL,
    -- gateway, vendor, commission, tax, fees, suspense, payout or transfer
    account   text        NOT NULL,
    vendor_id uuid        NOT NULL,
    currency  text        NOT NULL,
    -- minor units; debits are positive, credits negative
    amount    bigint      NOT NULL,
    kind      text        NOT NULL,
    order_id  uuid,
    payout_id uuid,
    plugin_id uuid,
    booked_at timestamptz NOT NULL,
    -- of payments only: from when on the hold is counted
    paid_at   timestamptz,
    PRIMARY KEY (position, account)
);

-- Sums of entries by UTC day, on the accounts that vendors read: a balance is a sum of these.
CREATE TABLE earnings_day (
    vendor_id uuid   NOT NULL,
    currency  text   NOT NULL,
    day       date   NOT NULL,
    -- vendor, payout or transfer
    account   text   NOT NULL,
    kind      text   NOT NULL,
    amount    bigint NOT NULL,
    PRIMARY KEY (vendor_id, currency, day, account, kind)
);

CREATE TABLE earnings_payout (
    payout_id    uuid        PRIMARY KEY,
    vendor_id    uuid        NOT NULL,
    amount       bigint      NOT NULL,
    currency     text        NOT NULL,
    -- requested, paid or failed
    status       text        NOT NULL,
    batch_id     uuid,
    requested_at timestamptz NOT NULL,
    settled_at   timestamptz,
    -- the bank's name of the transfer
    reference    text,
    -- why it failed
    reason       text,
    position     bigint      NOT NULL
);

CREATE TABLE earnings_invoice (
    vendor_id uuid        NOT NULL,
    -- invoice or credit_note
    kind      text        NOT NULL,
    number    bigint      NOT NULL,
    source_id uuid        NOT NULL,
    order_id  uuid        NOT NULL,
    buyer_id  uuid        NOT NULL,
    plugin_id uuid        NOT NULL,
    amount    bigint      NOT NULL,
    tax       bigint      NOT NULL,
    currency  text        NOT NULL,
    issued_at timestamptz NOT NULL,
    position  bigint      NOT NULL,
    PRIMARY KEY (vendor_id, kind, number)
);
