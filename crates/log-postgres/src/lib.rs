//! The event log on PostgreSQL, with group commit.
