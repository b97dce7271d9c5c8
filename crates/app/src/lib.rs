//! Use cases, the command loop, reactions and the validation pipeline.

mod app;
pub mod audit;
mod context;
pub mod diff;
pub mod downloads;
mod error;
mod execute;
pub mod executions;
pub mod export;
mod following;
pub mod history;
pub mod input;
pub mod installs;
pub mod ledger;
pub mod licenses;
mod memory;
pub mod notices;
pub mod orders;
pub mod payments;
pub mod payouts;
pub mod plugins;
pub mod reactions;
pub mod releases;
pub mod reviews;
pub mod schedule;
pub mod subscriptions;
pub mod traffic;
pub mod users;
pub mod validation;
pub mod vendor_keys;
pub mod vendors;

pub use app::{App, Money, Ports, Post, Settings};
pub use context::{Context, Done, Read};
pub use error::AppError;
pub use input::Secret;
