//! The event log on KurrentDB.
