CREATE TABLE timeline_event (
    plugin_id   uuid        NOT NULL,
    position    bigint      NOT NULL,
    event_id    uuid        NOT NULL,
    event_type  text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    stream      text        NOT NULL,
    version     bigint      NOT NULL,
    vendor_id   uuid,
    PRIMARY KEY (plugin_id, position)
);
