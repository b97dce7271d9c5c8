//! Signed trees over all events, and proofs that one is in them.

pub mod checkpoint;
pub mod consistency;
pub mod proof;
pub mod tile;
