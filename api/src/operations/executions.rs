//! Running what is installed.

pub mod execute;
pub mod status;
