-- The ledger: a Merkle tree (RFC 6962) over every event in the order of the log. Its leaves hold hashes of events, never what is in
-- them. Leaves, tiles and head are written in one transaction, only by whoever holds the sequencer's lock; heads only grow.
CREATE SCHEMA souk_ledger;

CREATE TABLE souk_ledger.leaf (
    -- Place in the tree, from 0, without gaps.
    index    bigint NOT NULL CHECK (index >= 0),
    -- Place in the log.
    position bigint NOT NULL CHECK (position > 0),
    -- Exact bytes: the tree hashes them.
    entry    bytea  NOT NULL CHECK (octet_length(entry) < 65536),
    CONSTRAINT leaf_index PRIMARY KEY (index),
    CONSTRAINT leaf_position UNIQUE (position)
);

-- A tile that is not complete grows in place: what is wanted of it is always its beginning.
CREATE TABLE souk_ledger.tile (
    number bigint   NOT NULL CHECK (number >= 0),
    level  smallint NOT NULL CHECK (level BETWEEN 0 AND 7),
    -- 1 to 256 hashes.
    hashes bytea    NOT NULL CHECK (octet_length(hashes) BETWEEN 32 AND 8192 AND octet_length(hashes) % 32 = 0),
    CONSTRAINT tile_level_number PRIMARY KEY (level, number)
);
-- Hashes do not compress.
ALTER TABLE souk_ledger.tile ALTER COLUMN hashes SET STORAGE EXTERNAL;

CREATE TABLE souk_ledger.head (
    only_one     boolean     PRIMARY KEY DEFAULT true CHECK (only_one),
    size         bigint      NOT NULL DEFAULT 0 CHECK (size >= 0),
    -- None while the tree is empty, as are position and event of its last leaf.
    root         bytea       CHECK (octet_length(root) = 32),
    position     bigint      NOT NULL DEFAULT 0 CHECK (position >= 0),
    event        uuid,
    -- The head that was signed last, word for word as it is served.
    signed_size  bigint      NOT NULL DEFAULT 0 CHECK (signed_size BETWEEN 0 AND size),
    note         text,
    signed_at    timestamptz,
    -- Whose signatures these are: a second key would be a second ledger.
    verifier_key text,
    -- Why nothing is signed any more, in words for an operator; none while all is well.
    trouble      text,
    CHECK ((size = 0) = (root IS NULL) AND (size = 0) = (event IS NULL)),
    CHECK ((signed_size = 0) = (note IS NULL) AND (note IS NULL) = (signed_at IS NULL))
);
INSERT INTO souk_ledger.head DEFAULT VALUES;
