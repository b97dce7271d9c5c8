//! Fetching archives.

pub mod fetch;
pub mod start;
