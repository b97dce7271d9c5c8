//! Rights to use plugins.

pub mod activate;
pub mod deactivate;
pub mod reinstate;
pub mod revoke;
pub mod suspend;
pub mod validate;
