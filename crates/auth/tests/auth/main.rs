//! Tests of what clients hold and what Souk keeps of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests are tests too")]

mod access;
mod opaque;
mod password;

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};
use souk_ports::{Clock, Random};

/// Different bytes at every call, the same in every run.
#[derive(Default)]
struct Counted(AtomicU64);

impl Random for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let next = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            chunk.copy_from_slice(&next.to_be_bytes()[..chunk.len()]);
        }
    }
}

/// A clock that stands until it is moved.
struct Standing(Mutex<DateTime<Utc>>);

impl Standing {
    fn new() -> Self {
        Self(Mutex::new(DateTime::from_timestamp(1_000_000_000, 500_000_000).unwrap()))
    }

    fn go_on(&self, seconds: i64) {
        *self.0.lock().unwrap() += TimeDelta::seconds(seconds);
    }
}

impl Clock for Standing {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}
