//! Souk's own keys.

pub mod list;
