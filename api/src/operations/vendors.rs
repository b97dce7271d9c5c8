//! Sellers.

pub mod analytics;
pub mod commission;
pub mod create;
pub mod get;
pub mod list_keys;
pub mod register_key;
pub mod revoke_key;
pub mod suspend;
pub mod verify;
