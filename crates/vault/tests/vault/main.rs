//! Tests of the vault from outside.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests are tests too")]

mod format;
mod keys;
mod sealing;
mod support;
