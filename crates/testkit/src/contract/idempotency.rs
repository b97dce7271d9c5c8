//! The contract of [`Idempotency`].

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use souk_ports::store::{Claim, Idempotency, StoredAnswer};

use super::{Case, unique, unique_hash};

/// What a case gets.
pub type Subject = Arc<dyn Idempotency>;

const HOUR: Duration = Duration::from_secs(3600);

/// What every store of idempotency records promises.
pub const CASES: &[Case<Subject>] = &[
    ("a key is claimed once while its request runs", |store| Box::pin(claimed_once(store))),
    ("of simultaneous claims one wins", |store| Box::pin(race(store))),
    ("a finished request gives its answer again", |store| Box::pin(finished(store))),
    ("the same key with another payload is a mismatch, running or finished", |store| Box::pin(mismatch(store))),
    ("a lease that ran out is claimed again", |store| Box::pin(lease_over(store))),
    ("a released key is claimed again; a finished one stays finished", |store| Box::pin(released(store))),
    ("pruning forgets what is older than the age, and nothing younger", |store| Box::pin(pruned(store))),
];

/// Runs [`CASES`], each on what `make` gives.
///
/// # Panics
/// When a case fails.
pub async fn all(make: impl AsyncFn() -> Subject) {
    super::run("idempotency", CASES, make).await;
}

fn answer(position: Option<u64>) -> StoredAnswer {
    StoredAnswer { status: 201, position, body: vec![0, 1, 255, b'"'] }
}

async fn claimed_once(store: Subject) {
    let (key, print) = (unique(), unique_hash());
    assert_eq!(store.claim(key, print, HOUR).await.unwrap(), Claim::Claimed);
    assert_eq!(store.claim(key, print, HOUR).await.unwrap(), Claim::Running);
    assert_eq!(store.claim(unique(), print, HOUR).await.unwrap(), Claim::Claimed);
}

async fn race(store: Subject) {
    let (key, print) = (unique(), unique_hash());
    let claims = join_all((0..16).map(|_| store.claim(key, print, HOUR))).await;
    let claimed = claims.into_iter().filter(|claim| claim.as_ref().unwrap() == &Claim::Claimed).count();
    assert_eq!(claimed, 1);
}

async fn finished(store: Subject) {
    for position in [None, Some(7), Some(u64::from(u32::MAX) + 1)] {
        let (key, print) = (unique(), unique_hash());
        store.claim(key, print, HOUR).await.unwrap();
        store.finish(key, answer(position)).await.unwrap();
        for _ in 0..2 {
            assert_eq!(store.claim(key, print, HOUR).await.unwrap(), Claim::Finished(answer(position)));
        }
    }
}

async fn mismatch(store: Subject) {
    let (key, print) = (unique(), unique_hash());
    store.claim(key, print, HOUR).await.unwrap();
    assert_eq!(store.claim(key, unique_hash(), HOUR).await.unwrap(), Claim::Mismatch);
    store.finish(key, answer(None)).await.unwrap();
    assert_eq!(store.claim(key, unique_hash(), HOUR).await.unwrap(), Claim::Mismatch);
    assert_eq!(store.claim(key, print, HOUR).await.unwrap(), Claim::Finished(answer(None)));
}

async fn lease_over(store: Subject) {
    let (key, print) = (unique(), unique_hash());
    assert_eq!(store.claim(key, print, Duration::ZERO).await.unwrap(), Claim::Claimed);
    assert_eq!(store.claim(key, print, HOUR).await.unwrap(), Claim::Claimed);
    assert_eq!(store.claim(key, print, HOUR).await.unwrap(), Claim::Running);
}

async fn released(store: Subject) {
    let (key, print) = (unique(), unique_hash());
    store.release(key).await.unwrap();
    store.claim(key, print, HOUR).await.unwrap();
    store.release(key).await.unwrap();
    assert_eq!(store.claim(key, print, HOUR).await.unwrap(), Claim::Claimed);
    store.finish(key, answer(Some(1))).await.unwrap();
    store.release(key).await.unwrap();
    assert_eq!(store.claim(key, print, HOUR).await.unwrap(), Claim::Finished(answer(Some(1))));
}

async fn pruned(store: Subject) {
    let (key, print) = (unique(), unique_hash());
    store.claim(key, print, HOUR).await.unwrap();
    store.finish(key, answer(None)).await.unwrap();
    store.prune(HOUR).await.unwrap();
    assert_eq!(store.claim(key, print, HOUR).await.unwrap(), Claim::Finished(answer(None)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ManualClock, MemoryIdempotency};

    #[tokio::test]
    async fn the_store_in_memory_passes() {
        all(async || Arc::new(MemoryIdempotency::new(Arc::new(ManualClock::default()))) as Subject).await;
    }

    #[tokio::test]
    async fn the_store_in_memory_forgets_what_is_old() {
        let clock = Arc::new(ManualClock::default());
        let store = MemoryIdempotency::new(clock.clone());
        store.claim(unique(), unique_hash(), HOUR).await.unwrap();
        clock.advance(2 * HOUR);
        assert_eq!(store.prune(HOUR).await.unwrap(), 1);
    }
}
