//! The contracts of the ports, as suites that every adapter runs against itself. A case that fails panics; the suite goes on
//! and names every case that failed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a suite fails by panicking")]

use std::{any::Any, time::Duration};

use futures::future::BoxFuture;
use uuid::Uuid;

pub mod artifacts;
pub mod credentials;
pub mod event_feed;
pub mod event_log;
mod event_log_concurrent;
pub mod idempotency;
pub mod notices;
pub mod partners;
pub mod reactions;
pub mod wrapped_keys;

/// A named case of a suite over a subject `S`.
pub type Case<S> = (&'static str, fn(S) -> BoxFuture<'static, ()>);

/// After this time a case that waits for an event has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs `cases`, each on a subject of its own that `make` gives.
///
/// # Panics
/// When a case fails; says which and why.
pub async fn run<S: Send + 'static>(suite: &str, cases: &[Case<S>], make: impl AsyncFn() -> S) {
    let mut failed = Vec::new();
    for (name, case) in cases {
        let subject = make().await;
        if let Err(error) = tokio::spawn(case(subject)).await {
            let why = error.try_into_panic().map_or_else(|error| error.to_string(), |panic| message(&*panic));
            failed.push(format!("{name}: {why}"));
        }
    }
    assert!(failed.is_empty(), "{suite}: {} of {} cases failed:\n- {}", failed.len(), cases.len(), failed.join("\n- "));
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

/// An id that nothing on a server that outlives the test has yet.
#[allow(clippy::disallowed_methods, reason = "nothing is derived from it, and servers outlive a seed")]
fn unique() -> Uuid {
    Uuid::new_v4()
}

/// 32 bytes that nothing else has.
fn unique_hash() -> [u8; 32] {
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(unique().as_bytes());
    hash
}

/// What `future` gives, unless it never does.
async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain for {what}"),
    }
}
