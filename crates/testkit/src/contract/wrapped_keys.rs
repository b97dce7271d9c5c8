//! The contract of [`WrappedKeys`].

use std::sync::Arc;

use futures::future::join_all;
use souk_ports::store::WrappedKeys;

use super::{Case, unique};

/// What a case gets.
pub type Subject = Arc<dyn WrappedKeys>;

/// What every store of wrapped keys promises.
pub const CASES: &[Case<Subject>] = &[
    ("the first key of a person stays", |store| Box::pin(first_stays(store))),
    ("of simultaneous first keys everybody gets the same one", |store| Box::pin(race(store))),
    ("a key that is destroyed never comes back", |store| Box::pin(destroyed(store))),
    ("many keys are had at once, without those that there are not", |store| Box::pin(many(store))),
];

/// Runs [`CASES`], each on what `make` gives.
///
/// # Panics
/// When a case fails.
pub async fn all(make: impl AsyncFn() -> Subject) {
    super::run("wrapped keys", CASES, make).await;
}

async fn first_stays(store: Subject) {
    let subject = unique().into();
    assert_eq!(store.get(subject).await.unwrap(), None);
    assert_eq!(store.get_or_insert(subject, &[1, 0, 255]).await.unwrap(), Some(vec![1, 0, 255]));
    assert_eq!(store.get_or_insert(subject, &[2]).await.unwrap(), Some(vec![1, 0, 255]));
    assert_eq!(store.get(subject).await.unwrap(), Some(vec![1, 0, 255]));
    assert_eq!(store.get(unique().into()).await.unwrap(), None);
}

async fn destroyed(store: Subject) {
    let (subject, unknown, other) = (unique().into(), unique().into(), unique().into());
    store.get_or_insert(subject, &[1]).await.unwrap();
    store.get_or_insert(other, &[3]).await.unwrap();
    assert!(store.destroy(subject).await.unwrap());
    assert!(!store.destroy(subject).await.unwrap());
    assert!(!store.destroy(unknown).await.unwrap(), "there was none");
    for subject in [subject, unknown] {
        assert_eq!(store.get(subject).await.unwrap(), None);
        assert_eq!(store.get_or_insert(subject, &[2]).await.unwrap(), None, "there is no second key");
    }
    assert_eq!(store.get_all(&[subject, other, unknown]).await.unwrap(), [(other, vec![3])]);
}

async fn many(store: Subject) {
    let (first, second, missing) = (unique().into(), unique().into(), unique().into());
    store.get_or_insert(first, &[1]).await.unwrap();
    store.get_or_insert(second, &[2, 0]).await.unwrap();
    let mut keys = store.get_all(&[second, missing, first]).await.unwrap();
    keys.sort_by_key(|(_, wrapped)| wrapped.clone());
    assert_eq!(keys, [(first, vec![1]), (second, vec![2, 0])]);
    assert_eq!(store.get_all(&[]).await.unwrap(), []);
}

async fn race(store: Subject) {
    let subject = unique().into();
    // A wrapped key begins with the version of its form, which is never 0.
    let fresh: Vec<[u8; 1]> = (1..17).map(|byte| [byte]).collect();
    let kept = join_all(fresh.iter().map(|key| store.get_or_insert(subject, key))).await;
    let stored = store.get(subject).await.unwrap();
    assert!(stored.is_some());
    assert!(kept.into_iter().all(|key| key.unwrap() == stored));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_store_in_memory_passes() {
        all(async || Arc::new(crate::MemoryWrappedKeys::default()) as Subject).await;
    }
}
