-- Which key-encryption key everything here descends from. Only its id: what was sealed under one key is never continued
-- under another, and two processes that share this database never use two.
CREATE TABLE souk_ops.key_encryption_key (
    only_one boolean     PRIMARY KEY DEFAULT true CHECK (only_one),
    id       bytea       NOT NULL CHECK (octet_length(id) = 8),
    since    timestamptz NOT NULL DEFAULT now()
);

-- A wrapped key names the key that wraps it in the 8 bytes behind its first.
INSERT INTO souk_ops.key_encryption_key (id)
SELECT substr(wrapped, 2, 8) FROM souk_ops.person_key WHERE wrapped IS NOT NULL ORDER BY created_at, subject LIMIT 1;
