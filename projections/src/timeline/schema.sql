-- The log has the rest: a position names an event.
CREATE TABLE timeline_event (
    plugin_id uuid   NOT NULL,
    position  bigint NOT NULL,
    PRIMARY KEY (plugin_id, position)
);
