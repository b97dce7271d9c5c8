-- Where persons' keys are: `files` in the data directory, `here` in this database, `directory` or `database` where the configuration says.
-- None before the first process of a version that asks.
ALTER TABLE souk_ops.key_encryption_key ADD COLUMN person_keys text
    CHECK (person_keys IN ('files', 'here', 'directory', 'database'));
