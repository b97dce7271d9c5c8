-- What a plugin says of itself makes rows a little longer than 2 kB, from where on PostgreSQL moves their data to another table, which
-- every read of the log then has to visit. Up to 4 kB they stay where they are; what is there already stays as it is.
ALTER TABLE souk_log.event SET (toast_tuple_target = 4080);
