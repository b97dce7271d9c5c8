//! Installing plugins.

pub mod install;
pub mod uninstall;
