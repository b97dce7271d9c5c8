//! The event feed straight from a log.
