-- One row a plugin, vendor and UTC day: differences, so that any span is a sum.
CREATE TABLE vendor_analytics_activity (
    vendor_id  uuid   NOT NULL,
    day        date   NOT NULL,
    plugin_id  uuid   NOT NULL,
    installs   bigint NOT NULL,
    uninstalls bigint NOT NULL,
    active     bigint NOT NULL,
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
