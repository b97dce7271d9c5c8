//! The machine's clock and its randomness: the only place that asks for them.

use chrono::{DateTime, SubsecRound, Utc};
use rand::Rng;
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

/// Random numbers that nobody can foretell: of a cipher that each thread keeps, with new keys from the operating system every now
/// and then. Asking that itself for every id of a request would cost more than the rest of an id.
#[derive(Clone, Copy, Debug)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[allow(clippy::disallowed_methods, reason = "this is the adapter of the Random port")]
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}
