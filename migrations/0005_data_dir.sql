-- Where the data directory lies that this database was begun with, on the machine that began it: a command that is told
-- only of the database finds keys and artifacts there. It holds no secret.
ALTER TABLE souk_ops.key_encryption_key ADD COLUMN data_dir text;
