//! The contract of [`PartnerStore`].

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use souk_domain::id::{PartnerId, PartnerKeyId};
use souk_ports::partner::{Delivery, Hook, HookState, PartnerStore, Standing};
use uuid::Uuid;

use super::Case;

/// What a case gets.
pub type Subject = Arc<dyn PartnerStore>;

const HELD: Duration = Duration::from_secs(3600);

fn partner(number: u128) -> PartnerId {
    Uuid::from_u128(number).into()
}

fn key(number: u128) -> PartnerKeyId {
    Uuid::from_u128(number).into()
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default().trunc_subsecs(6)
}

fn hook(number: u128, owner: u128) -> Hook {
    Hook {
        id: Uuid::from_u128(number),
        partner: partner(owner),
        url: "https://partner.example/hook".to_owned(),
        types: ["plugin.*".to_owned(), "vendor.verified".to_owned()].into(),
        secret: vec![1, 2, 3],
        previous: None,
        state: HookState::Enabled,
        position: 7,
        attempts: 0,
        next_attempt_at: now(),
        generation: 0,
        created_at: now(),
    }
}

/// What every store of partners promises. One case after the other on a store that nobody else uses.
pub const CASES: &[Case<Subject>] = &[
    ("partners, keys and cursors", |store| Box::pin(partners_and_keys(store))),
    ("webhooks as their owners manage them", |store| Box::pin(webhooks_of_owners(store))),
    ("webhooks are called by one at a time", |store| Box::pin(leases(store))),
    ("attempts are told the newest first", |store| Box::pin(deliveries(store))),
];

/// Runs [`CASES`], each on what `make` gives.
///
/// # Panics
/// When a case fails.
pub async fn all(make: impl AsyncFn() -> Subject) {
    super::run("partners", CASES, make).await;
}

async fn partners_and_keys(store: Subject) {
    for number in [3, 1, 2, 1] {
        store.note(partner(number)).await.unwrap();
    }
    assert_eq!(store.noted(None, 2).await.unwrap(), [partner(1), partner(2)]);
    assert_eq!(store.noted(Some(partner(2)), 2).await.unwrap(), [partner(3)]);
    store.add_key(partner(1), key(10), [1; 32]).await.unwrap();
    store.add_key(partner(1), key(11), [2; 32]).await.unwrap();
    // A repeated command draws another key under the same id: the later one counts.
    store.add_key(partner(1), key(11), [3; 32]).await.unwrap();
    assert_eq!(store.key([1; 32]).await.unwrap(), Some((partner(1), key(10))));
    assert_eq!(store.key([2; 32]).await.unwrap(), None);
    assert_eq!(store.key([3; 32]).await.unwrap(), Some((partner(1), key(11))));
    store.remove_key(partner(2), key(10)).await.unwrap();
    assert!(store.key([1; 32]).await.unwrap().is_some(), "it is another's");
    store.remove_key(partner(1), key(10)).await.unwrap();
    assert_eq!(store.key([1; 32]).await.unwrap(), None);
    assert_eq!(store.cursor(partner(1)).await.unwrap(), None);
    for position in [5, 9, 4] {
        store.read_up_to(partner(1), position).await.unwrap();
    }
    assert_eq!(store.cursor(partner(1)).await.unwrap().map(|cursor| cursor.position), Some(4), "what it said last");
}

async fn webhooks_of_owners(store: Subject) {
    let first = hook(21, 5);
    assert!(store.add_hook(&first, 2).await.unwrap());
    assert!(store.add_hook(&Hook { url: "https://other.example".to_owned(), ..first.clone() }, 2).await.unwrap());
    assert_eq!(store.hook(partner(5), first.id).await.unwrap(), Some(first.clone()), "the first one stays");
    assert!(store.add_hook(&hook(22, 5), 2).await.unwrap());
    assert!(!store.add_hook(&hook(23, 5), 2).await.unwrap(), "two are enough");
    assert!(store.add_hook(&hook(24, 6), 2).await.unwrap(), "another partner has others");
    assert_eq!(store.hooks(partner(5)).await.unwrap().len(), 2);
    assert_eq!(store.hook(partner(6), first.id).await.unwrap(), None);
    let changed = Hook {
        types: ["*".to_owned()].into(),
        secret: vec![9],
        previous: Some((vec![1, 2, 3], now() + TimeDelta::days(1))),
        state: HookState::Disabled("disabled".to_owned()),
        position: 3,
        attempts: 4,
        next_attempt_at: now() + TimeDelta::hours(1),
        ..first.clone()
    };
    assert!(store.change_hook(&changed).await.unwrap());
    assert!(!store.change_hook(&changed).await.unwrap(), "it was read before it was changed");
    let expected = Hook { generation: 1, ..changed };
    assert_eq!(store.hook(partner(5), first.id).await.unwrap(), Some(expected));
    assert!(!store.remove_hook(partner(6), first.id).await.unwrap());
    for (owner, number) in [(5, 21), (5, 22), (6, 24)] {
        assert!(store.remove_hook(partner(owner), Uuid::from_u128(number)).await.unwrap());
    }
    assert!(!store.remove_hook(partner(5), first.id).await.unwrap());
}

async fn leases(store: Subject) {
    let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
    for number in [31, 32, 33] {
        assert!(store.add_hook(&hook(number, 7), 9).await.unwrap());
    }
    let off = Hook { state: HookState::Disabled("gone".to_owned()), ..hook(33, 7) };
    assert!(store.change_hook(&off).await.unwrap());
    let claimed = store.claim_hooks(one, HELD, 1).await.unwrap();
    assert_eq!(claimed.len(), 1);
    let rest = store.claim_hooks(two, HELD, 10).await.unwrap();
    assert_eq!(rest.len(), 1, "what is held or disabled is not claimed");
    assert!(store.claim_hooks(one, HELD, 10).await.unwrap().is_empty());
    let mine = &claimed[0];
    assert!(store.keep_hook(mine, one, HELD).await.unwrap());
    assert!(!store.keep_hook(mine, two, HELD).await.unwrap());
    let to = Standing { position: 12, attempts: 2, next_attempt_at: now(), state: HookState::Enabled };
    assert!(store.settle_hook(mine, one, HELD, &to).await.unwrap());
    assert!(!store.settle_hook(mine, two, HELD, &to).await.unwrap());
    let stands = store.hook(partner(7), mine.id).await.unwrap().unwrap();
    assert_eq!((stands.position, stands.attempts, stands.generation), (12, 2, 0));
    // Its owner changes it: who calls it notices, and another may call it at once.
    assert!(store.change_hook(&stands).await.unwrap());
    assert!(!store.keep_hook(mine, one, HELD).await.unwrap());
    assert!(!store.settle_hook(mine, one, HELD, &to).await.unwrap());
    let again = store.claim_hooks(two, HELD, 10).await.unwrap();
    assert_eq!(again.iter().map(|hook| (hook.id, hook.generation)).collect::<Vec<_>>(), [(mine.id, 1)]);
    // Whoever lets go lets others, and only of what he holds.
    store.release_hook(mine.id, one).await.unwrap();
    assert!(store.claim_hooks(one, HELD, 10).await.unwrap().is_empty());
    store.release_hook(mine.id, two).await.unwrap();
    assert_eq!(store.claim_hooks(one, Duration::ZERO, 10).await.unwrap().len(), 1);
    assert_eq!(store.claim_hooks(two, HELD, 10).await.unwrap().len(), 1, "a lease that is over holds nobody up");
    // One that is disabled is called by nobody.
    let disabled = Standing { state: HookState::Disabled("gone".to_owned()), ..to };
    let held = store.hook(partner(7), mine.id).await.unwrap().unwrap();
    assert!(store.settle_hook(&held, two, HELD, &disabled).await.unwrap());
    assert!(!store.keep_hook(&held, two, HELD).await.unwrap());
    for number in [31, 32, 33] {
        assert!(store.remove_hook(partner(7), Uuid::from_u128(number)).await.unwrap());
    }
}

async fn deliveries(store: Subject) {
    let owned = hook(41, 8);
    assert!(store.add_hook(&owned, 9).await.unwrap());
    let delivery = |attempt: u32| Delivery {
        hook: owned.id,
        event: Uuid::from_u128(99),
        event_type: "plugin.created".to_owned(),
        position: (attempt > 1).then_some(12),
        attempt,
        delivered: attempt == 3,
        status: (attempt > 1).then_some(503),
        problem: (attempt < 3).then(|| "refused: HTTP 503".to_owned()),
        at: now(),
        duration_ms: 12,
    };
    for attempt in 1..=3 {
        store.log_delivery(&delivery(attempt)).await.unwrap();
    }
    let page = store.deliveries(owned.id, None, 2).await.unwrap();
    assert_eq!(page.iter().map(|(_, found)| found.clone()).collect::<Vec<_>>(), [delivery(3), delivery(2)]);
    let rest = store.deliveries(owned.id, page.last().map(|(number, _)| *number), 2).await.unwrap();
    assert_eq!(rest.iter().map(|(_, found)| found.clone()).collect::<Vec<_>>(), [delivery(1)]);
    assert_eq!(store.deliveries(Uuid::from_u128(1), None, 2).await.unwrap(), []);
    // What became of a webhook that is gone, nobody asks; noting it is no error.
    assert!(store.remove_hook(partner(8), owned.id).await.unwrap());
    store.log_delivery(&delivery(1)).await.ok();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ManualClock, MemoryPartners};

    #[tokio::test]
    async fn the_store_in_memory_keeps_it() {
        let clock = Arc::new(ManualClock::default());
        all(async || Arc::new(MemoryPartners::new(clock.clone())) as Subject).await;
    }
}
