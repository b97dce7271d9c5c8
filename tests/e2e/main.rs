//! End to end: the real binary, the real PostgreSQL, over HTTP.

mod access;
mod bad_input;
mod canary;
mod command_line;
mod concurrency;
mod crash;
mod import;
mod journey;
mod rebuild;
mod support;
