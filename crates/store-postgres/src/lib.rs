//! Operational tables on PostgreSQL: credentials, wrapped keys, idempotency records, reaction checkpoints.
