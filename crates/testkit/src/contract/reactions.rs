//! The contract of [`ReactionStore`].

use std::{sync::Arc, time::Duration};

use souk_ports::store::{Parked, Progress, ReactionStore};

use super::{Case, unique};

/// What a case gets.
pub type Subject = Arc<dyn ReactionStore>;

const HOUR: Duration = Duration::from_secs(3600);

/// What every store of reactions promises.
pub const CASES: &[Case<Subject>] = &[
    ("a new reaction starts where it is told, and only then", |store| Box::pin(start(store))),
    ("a lease has one holder, who renews it and gives it back", |store| Box::pin(lease(store))),
    ("a lease that ran out goes to another, and its old holder moves nothing", |store| Box::pin(lost_lease(store))),
    ("a checkpoint moves forward with the lease, and never back", |store| Box::pin(advance(store))),
    ("a reaction is set back, and whoever led moves nothing any more", |store| Box::pin(rewind(store))),
    ("parked events are counted, listed in order and forgotten", |store| Box::pin(parked(store))),
];

/// Runs [`CASES`], each on what `make` gives.
///
/// # Panics
/// When a case fails.
pub async fn all(make: impl AsyncFn() -> Subject) {
    super::run("reactions", CASES, make).await;
}

fn name() -> String {
    format!("reaction-{}", unique())
}

async fn start(store: Subject) {
    let reaction = name();
    assert_eq!(store.checkpoint(&reaction, 40).await.unwrap(), Progress::at(40));
    assert_eq!(store.checkpoint(&reaction, 0).await.unwrap(), Progress::at(40));
    assert_eq!(store.checkpoints().await.unwrap().get(&reaction), Some(&Progress::at(40)));
    assert_eq!(store.checkpoint(&name(), 0).await.unwrap(), Progress::default());
}

async fn lease(store: Subject) {
    let (reaction, ours, theirs) = (name(), unique(), unique());
    store.checkpoint(&reaction, 0).await.unwrap();
    assert!(store.lease(&reaction, ours, HOUR).await.unwrap());
    assert!(store.lease(&reaction, ours, HOUR).await.unwrap(), "it renews its own");
    assert!(!store.lease(&reaction, theirs, HOUR).await.unwrap());
    store.unlease(&reaction, theirs).await.unwrap();
    assert!(!store.lease(&reaction, theirs, HOUR).await.unwrap(), "only the holder gives it back");
    store.unlease(&reaction, ours).await.unwrap();
    assert!(store.lease(&reaction, theirs, HOUR).await.unwrap());
}

async fn lost_lease(store: Subject) {
    let (reaction, ours, theirs) = (name(), unique(), unique());
    store.checkpoint(&reaction, 0).await.unwrap();
    assert!(store.lease(&reaction, ours, Duration::ZERO).await.unwrap());
    assert!(store.lease(&reaction, theirs, HOUR).await.unwrap());
    assert!(!store.advance(&reaction, ours, Progress::at(5)).await.unwrap());
    assert_eq!(store.checkpoint(&reaction, 0).await.unwrap(), Progress::default());
}

async fn advance(store: Subject) {
    let (reaction, holder) = (name(), unique());
    store.checkpoint(&reaction, 3).await.unwrap();
    assert!(!store.advance(&reaction, holder, Progress::at(4)).await.unwrap(), "without a lease");
    assert!(store.lease(&reaction, holder, HOUR).await.unwrap());
    let far = Progress { position: 9, last: Some((8, unique())) };
    assert!(store.advance(&reaction, holder, far).await.unwrap());
    store.advance(&reaction, holder, Progress { position: 7, last: Some((7, unique())) }).await.unwrap();
    assert_eq!(store.checkpoint(&reaction, 0).await.unwrap(), far);
}

async fn rewind(store: Subject) {
    let (reaction, holder) = (name(), unique());
    assert!(!store.rewind(&reaction, 0).await.unwrap(), "there is no such reaction");
    store.checkpoint(&reaction, 0).await.unwrap();
    assert!(store.lease(&reaction, holder, HOUR).await.unwrap());
    assert!(store.advance(&reaction, holder, Progress { position: 9, last: Some((9, unique())) }).await.unwrap());
    assert!(!store.rewind(&reaction, 10).await.unwrap(), "that is not back");
    assert!(store.rewind(&reaction, 4).await.unwrap());
    assert_eq!(store.checkpoint(&reaction, 0).await.unwrap(), Progress::at(4));
    assert!(!store.advance(&reaction, holder, Progress::at(12)).await.unwrap(), "who led before has lost the lease");
    assert!(!store.lease(&reaction, holder, HOUR).await.unwrap(), "and is told so when renewing it");
}

async fn parked(store: Subject) {
    let (reaction, other) = (name(), name());
    let park = |reaction: &str, position| Parked {
        reaction: reaction.to_owned(),
        position,
        event: unique(),
        reason: "it \"failed\"".to_owned(),
        attempts: 1,
    };
    let (late, early, elsewhere) = (park(&reaction, 9), park(&reaction, 4), park(&other, 9));
    for parked in [&late, &early, &elsewhere] {
        store.park(parked.clone()).await.unwrap();
    }
    assert_eq!(store.parked(Some(&reaction)).await.unwrap(), [early.clone(), late.clone()]);
    store.park(Parked { reason: "again".to_owned(), ..late.clone() }).await.unwrap();
    let again = Parked { reason: "again".to_owned(), attempts: 2, ..late };
    assert_eq!(store.parked(Some(&reaction)).await.unwrap(), [early.clone(), again]);
    assert!(store.unpark(&reaction, 9).await.unwrap());
    assert!(!store.unpark(&reaction, 9).await.unwrap());
    assert_eq!(store.parked(Some(&reaction)).await.unwrap(), [early]);
    assert!(store.parked(None).await.unwrap().contains(&elsewhere));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_store_in_memory_passes() {
        let clock = Arc::new(crate::ManualClock::default());
        all(async || Arc::new(crate::MemoryReactions::new(clock.clone())) as Subject).await;
    }
}
