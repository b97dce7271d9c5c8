//! The subcommands.

pub mod admin;
pub mod bench;
pub mod config;
pub mod doctor;
pub mod history;
pub mod import;
pub mod migrate;
pub mod rebuild;
pub mod serve;
