//! Rights to use plugins.

pub mod activate;
pub mod deactivate;
pub mod file;
pub mod get;
pub mod reinstate;
pub mod revoke;
pub mod rotate;
pub mod suspend;
pub mod usage;
pub mod validate;
