//! End to end: the real binary, the real PostgreSQL, over HTTP.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on ends and says why"
)]

mod access;
mod audit;
mod authors;
mod bad_input;
mod bucket;
mod builtins;
mod canary;
mod cluster;
mod command_line;
mod concurrency;
mod crash;
mod earnings;
mod erasure;
mod executions;
mod failures;
mod import;
mod journey;
mod killed_rebuild;
mod mail;
mod malware;
mod moderation;
mod outage;
mod partners;
mod processes;
mod rebuild;
mod support;
mod updates;
mod webhooks;
