//! The adapters as the rest of Souk sees them: what they ask, what they make of answers and events, and whom they believe.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on ends and says why"
)]

mod fixture;
mod misbehaviour;
mod razorpay_calls;
mod razorpay_events;
mod signatures;
mod stand_in;
mod stripe_calls;
mod stripe_events;
mod stripe_mock;
