//! Sellers.

pub mod analytics;
pub mod commission;
pub mod create;
pub mod get;
pub mod suspend;
pub mod verify;
