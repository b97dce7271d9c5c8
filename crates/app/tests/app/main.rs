//! The use cases, the command loop and the reactions, over adapters in memory.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, and so do its helpers")]

mod accounts;
mod command_loop;
mod doubles;
mod erasure;
mod executions;
mod history;
mod kurrent;
mod moderation;
mod notices;
mod partners;
mod payments;
mod payments_in_any_order;
mod public;
mod reactions;
mod shop;
mod signing;
mod subscriptions;
mod support;
mod traffic;
mod validating;
