//! The contract of [`Credentials`].

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures::future::join_all;
use souk_ports::store::{Credentials, Rotation};

use super::{Case, unique, unique_hash};

/// What a case gets.
pub type Subject = Arc<dyn Credentials>;

/// What every store of credentials promises.
pub const CASES: &[Case<Subject>] = &[
    ("a password hash is kept and replaced", |store| Box::pin(password(store))),
    ("a refresh token is spent once for the next one", |store| Box::pin(rotation(store))),
    ("a spent token revokes its family, and no other", |store| Box::pin(reuse(store))),
    ("of simultaneous rotations of one token one wins, and the family is revoked", |store| Box::pin(race(store))),
    ("unknown and expired tokens are invalid", |store| Box::pin(invalid(store))),
    ("an ended family is invalid", |store| Box::pin(ended(store))),
    ("an API key leads to its owner until it is removed", |store| Box::pin(api_keys(store))),
    ("what is forgotten of a user is gone, and only that", |store| Box::pin(forgotten(store))),
];

/// Runs [`CASES`], each on what `make` gives.
///
/// # Panics
/// When a case fails.
pub async fn all(make: impl AsyncFn() -> Subject) {
    super::run("credentials", CASES, make).await;
}

/// An hour of no particular day, and the days around it.
fn day(offset: u64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + offset * 86_400)
}

async fn password(store: Subject) {
    let user = unique().into();
    assert_eq!(store.password(user).await.unwrap(), None);
    store.set_password(user, "$argon2id$first").await.unwrap();
    store.set_password(user, "$argon2id$second").await.unwrap();
    store.set_password(unique().into(), "$argon2id$other").await.unwrap();
    assert_eq!(store.password(user).await.unwrap().as_deref(), Some("$argon2id$second"));
}

async fn rotation(store: Subject) {
    let (user, first, second, third) = (unique().into(), unique_hash(), unique_hash(), unique_hash());
    store.start_family(user, unique(), first, day(10)).await.unwrap();
    assert_eq!(store.rotate(first, second, day(1), day(11)).await.unwrap(), Rotation::Rotated(user));
    // The next token has its own end, later than that of the first.
    assert_eq!(store.rotate(second, third, day(10), day(20)).await.unwrap(), Rotation::Rotated(user));
}

async fn reuse(store: Subject) {
    let (user, first, second) = (unique().into(), unique_hash(), unique_hash());
    let elsewhere = unique_hash();
    store.start_family(user, unique(), first, day(10)).await.unwrap();
    store.start_family(user, unique(), elsewhere, day(10)).await.unwrap();
    store.rotate(first, second, day(1), day(10)).await.unwrap();
    assert_eq!(store.rotate(first, unique_hash(), day(2), day(10)).await.unwrap(), Rotation::Reused(user));
    assert_eq!(store.rotate(second, unique_hash(), day(3), day(10)).await.unwrap(), Rotation::Invalid);
    assert_eq!(store.rotate(elsewhere, unique_hash(), day(3), day(10)).await.unwrap(), Rotation::Rotated(user));
}

async fn race(store: Subject) {
    let (user, token) = (unique().into(), unique_hash());
    store.start_family(user, unique(), token, day(10)).await.unwrap();
    let nexts: Vec<_> = (0..8).map(|_| unique_hash()).collect();
    let tries = nexts.iter().map(|next| store.rotate(token, *next, day(1), day(10)));
    let outcomes: Vec<_> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
    let count = |outcome| outcomes.iter().filter(|other| **other == outcome).count();
    assert_eq!(count(Rotation::Rotated(user)), 1, "{outcomes:?}");
    assert_eq!(count(Rotation::Reused(user)), 1, "{outcomes:?}");
    for next in nexts {
        assert_eq!(store.rotate(next, unique_hash(), day(2), day(10)).await.unwrap(), Rotation::Invalid);
    }
}

async fn invalid(store: Subject) {
    let (expired, next) = (unique_hash(), unique_hash());
    assert_eq!(store.rotate(unique_hash(), next, day(1), day(10)).await.unwrap(), Rotation::Invalid);
    store.start_family(unique().into(), unique(), expired, day(1)).await.unwrap();
    assert_eq!(store.rotate(expired, next, day(2), day(10)).await.unwrap(), Rotation::Invalid);
    assert_eq!(store.rotate(next, unique_hash(), day(2), day(10)).await.unwrap(), Rotation::Invalid);
}

async fn ended(store: Subject) {
    let (user, first, second) = (unique().into(), unique_hash(), unique_hash());
    store.start_family(user, unique(), first, day(10)).await.unwrap();
    store.rotate(first, second, day(1), day(10)).await.unwrap();
    store.end_family(second).await.unwrap();
    store.end_family(unique_hash()).await.unwrap();
    assert_eq!(store.rotate(second, unique_hash(), day(2), day(10)).await.unwrap(), Rotation::Invalid);
}

async fn api_keys(store: Subject) {
    let (user, key, hash) = (unique().into(), unique().into(), unique_hash());
    let (other_key, other_hash) = (unique().into(), unique_hash());
    store.add_api_key(user, key, hash).await.unwrap();
    store.add_api_key(user, other_key, other_hash).await.unwrap();
    assert_eq!(store.api_key(hash).await.unwrap(), Some((user, key)));
    store.remove_api_key(unique().into(), key).await.unwrap();
    assert_eq!(store.api_key(hash).await.unwrap(), Some((user, key)), "a stranger removed it");
    store.remove_api_key(user, key).await.unwrap();
    assert_eq!(store.api_key(hash).await.unwrap(), None);
    assert_eq!(store.api_key(other_hash).await.unwrap(), Some((user, other_key)));
}

async fn forgotten(store: Subject) {
    let (user, other) = (unique().into(), unique().into());
    let (key, hash, other_hash) = (unique().into(), unique_hash(), unique_hash());
    let token = unique_hash();
    for (user, hash) in [(user, hash), (other, other_hash)] {
        store.set_password(user, "$argon2id$").await.unwrap();
        store.add_api_key(user, unique().into(), hash).await.unwrap();
    }
    store.add_api_key(user, key, unique_hash()).await.unwrap();
    store.start_family(user, unique(), token, day(10)).await.unwrap();
    store.forget(user).await.unwrap();
    assert_eq!(store.password(user).await.unwrap(), None);
    assert_eq!(store.api_key(hash).await.unwrap(), None);
    assert_eq!(store.rotate(token, unique_hash(), day(1), day(10)).await.unwrap(), Rotation::Invalid);
    assert!(store.password(other).await.unwrap().is_some());
    assert!(store.api_key(other_hash).await.unwrap().is_some());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_store_in_memory_passes() {
        all(async || Arc::new(crate::MemoryCredentials::default()) as Subject).await;
    }
}
