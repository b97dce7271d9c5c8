//! What can be asked of Souk over HTTP: one operation a file.

pub mod admin;
pub mod auth;
pub mod downloads;
pub mod events;
pub mod executions;
pub mod installs;
pub mod keys;
pub mod ledger;
pub mod licenses;
pub mod me;
pub mod moderation;
pub mod notifications;
pub mod orders;
pub mod partners;
pub mod plugins;
pub mod reviews;
mod shared;
pub mod subscriptions;
pub mod system;
pub mod vendors;
pub mod versions;
pub mod webhooks;
