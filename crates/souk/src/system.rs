//! The machine's clock and its randomness: the only place that asks for them.

use chrono::{DateTime, SubsecRound, Utc};
use souk_ports::{Clock, Random};

/// The machine's clock, to the microsecond: what PostgreSQL keeps.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the adapter of the Clock port")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(6)
    }
}

/// The operating system's random numbers.
#[derive(Clone, Copy, Debug)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[allow(clippy::disallowed_methods, reason = "this is the adapter of the Random port")]
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            // Without randomness no key is secret: going on would be worse than ending.
            tracing::error!(%error, "the operating system gives no random numbers");
            std::process::abort();
        }
    }
}
