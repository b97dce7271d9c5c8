//! The deciders of Souk: what may happen, and what that amounts to. Pure: no async, no I/O, no clock, no
//! randomness; time, ids and looked-up facts arrive inside commands.

mod beside;
pub mod decider;
pub mod download;
pub mod event;
pub mod execution;
pub mod id;
pub mod installation;
pub mod license;
pub mod listing;
pub mod money;
pub mod name;
pub mod order;
pub mod partner;
pub mod personal;
pub mod plugin;
pub mod reservation;
pub mod review;
pub mod series;
pub mod stream;
pub mod subscription;
pub mod text;
pub mod traffic;
pub mod upcast;
pub mod user;
pub mod validation;
pub mod vendor;
pub mod webhook;

#[cfg(test)]
mod examples;
#[cfg(test)]
mod testing;
