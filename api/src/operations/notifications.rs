//! What persons are told, and how they end that.

pub mod choose;
pub mod list;
pub mod preferences;
pub mod read;
pub mod read_all;
pub mod unsubscribe;
