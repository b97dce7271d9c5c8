//! The subcommands.

pub mod admin;
pub mod api;
pub mod bench;
pub mod config;
pub mod doctor;
pub mod history;
pub mod import;
pub mod migrate;
pub mod project;
pub mod react;
pub mod rebuild;
pub mod relay;
pub mod serve;
pub mod signing;
pub mod validate;
