-- Where the events are kept that this database's accounts, keys and read models belong to, and what brings them to the read
-- models. One row, written by the first process, so that no other one is told otherwise by mistake.
CREATE TABLE souk_ops.events (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    log text NOT NULL,
    feed text NOT NULL,
    partitions integer NOT NULL CHECK (partitions > 0)
);

-- Until now there was one way.
INSERT INTO souk_ops.events (log, feed, partitions)
SELECT 'postgres', 'log', 1 WHERE EXISTS (SELECT FROM souk_log.event);
