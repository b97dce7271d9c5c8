//! The use cases, the command loop and the reactions, over adapters in memory.

mod accounts;
mod command_loop;
mod doubles;
mod history;
mod reactions;
mod shop;
mod support;
