//! What waits for moderators.

pub mod get;
pub mod queue;
