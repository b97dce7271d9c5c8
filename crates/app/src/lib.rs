//! Use cases, the command loop, reactions and the validation pipeline.

mod app;
mod context;
pub mod diff;
mod error;
mod execute;
pub mod executions;
mod following;
pub mod history;
pub mod input;
pub mod installs;
pub mod licenses;
mod memory;
pub mod orders;
pub mod plugins;
pub mod reactions;
pub mod releases;
pub mod reviews;
pub mod users;
pub mod validation;
pub mod vendor_keys;
pub mod vendors;

pub use app::{App, Ports, Settings};
pub use context::{Context, Done, Read};
pub use error::AppError;
pub use input::Secret;
