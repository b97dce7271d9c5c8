-- One row a plugin, vendor and UTC day: differences, so that any span is a sum.
CREATE TABLE vendor_analytics_activity (
    vendor_id  uuid   NOT NULL,
    day        date   NOT NULL,
    plugin_id  uuid   NOT NULL,
    installs   bigint NOT NULL,
    uninstalls bigint NOT NULL,
    active     bigint NOT NULL,
    views      bigint NOT NULL,
    downloads  bigint NOT NULL,
    reviews    bigint NOT NULL,
    rating_sum bigint NOT NULL,
    PRIMARY KEY (vendor_id, day, plugin_id)
);

-- The same for money, minor units of each currency. Commission is what Souk kept: that of refunds is taken off.
CREATE TABLE vendor_analytics_money (
    vendor_id  uuid   NOT NULL,
    day        date   NOT NULL,
    plugin_id  uuid   NOT NULL,
    currency   text   NOT NULL,
    orders     bigint NOT NULL,
    gross      bigint NOT NULL,
    refunds    bigint NOT NULL,
    commission bigint NOT NULL,
    PRIMARY KEY (vendor_id, day, plugin_id, currency)
);

CREATE TABLE vendor_analytics_plugin (
    plugin_id    uuid PRIMARY KEY,
    name         text NOT NULL,
    display_name text NOT NULL
);

-- What was paid from where, in the way of vendor_analytics_money; an empty country is one that nobody said. Refunds do not say where.
CREATE TABLE vendor_analytics_country (
    vendor_id uuid   NOT NULL,
    day       date   NOT NULL,
    plugin_id uuid   NOT NULL,
    country   text   NOT NULL,
    currency  text   NOT NULL,
    orders    bigint NOT NULL,
    gross     bigint NOT NULL,
    PRIMARY KEY (vendor_id, day, plugin_id, country, currency)
);

-- Who ordered, and on which UTC days: users are counted when it is read, since one may order often.
CREATE TABLE vendor_analytics_order (
    order_id  uuid PRIMARY KEY,
    vendor_id uuid NOT NULL,
    plugin_id uuid NOT NULL,
    user_id   uuid NOT NULL,
    placed_on date NOT NULL,
    paid_on   date
);

CREATE TABLE vendor_analytics_subscription (
    subscription_id uuid    PRIMARY KEY,
    vendor_id       uuid    NOT NULL,
    plugin_id       uuid    NOT NULL,
    currency        text    NOT NULL,
    -- minor units an interval
    amount          bigint  NOT NULL,
    -- whether an interval is a year; else it is a month
    yearly          boolean NOT NULL,
    started_on      date    NOT NULL,
    -- since when it is paid; trials are not
    paid_on         date,
    lapsed_on       date
);
