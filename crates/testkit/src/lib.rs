//! In-memory adapters of the ports, and the contract suites that every adapter must pass. For tests only.

pub mod artifacts;
pub mod contract;
pub mod directory;
pub mod faulty;
pub mod feed;
pub mod gateway;
pub mod log;
pub mod mail;
pub mod notices;
pub mod partners;
pub mod sandbox;
pub mod store;
pub mod time;
pub mod vault;

pub use artifacts::MemoryArtifacts;
pub use directory::LogDirectory;
pub use faulty::{Fault, FaultyLog};
pub use feed::LogFeed;
pub use gateway::ToyGateway;
pub use log::MemoryLog;
pub use mail::{MemoryMailer, PlainWording};
pub use notices::MemoryNotices;
pub use partners::{MemoryPartners, ToyHooks};
pub use sandbox::ScriptedSandbox;
pub use store::{
    MemoryCredentials, MemoryIdempotency, MemoryOutputs, MemoryReactions, MemoryWebhookBodies, MemoryWrappedKeys,
};
pub use time::{ManualClock, SeededRandom};
pub use vault::PlainVault;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The content of `mutex`, also after a thread panicked with it: a failed test must not hide behind a poisoned one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
