//! End to end, over the real binary: a harness that starts Souk, a client, and the journey that the demo shows and the
//! tests check.

pub mod client;
pub mod journey;
pub mod process;
pub mod sample;
