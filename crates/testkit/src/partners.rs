//! Partners in memory, and a caller of webhooks that answers as a test says.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use souk_domain::id::{PartnerId, PartnerKeyId};
use souk_ports::{
    Clock, Position,
    partner::{CallError, Cursor, Delivery, Hook, HookCaller, HookState, Outgoing, PartnerStore, Reply, Standing},
    store::StoreError,
};
use uuid::Uuid;

use crate::lock;

/// [`PartnerStore`] in memory.
pub struct MemoryPartners {
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
}

/// A webhook, who calls it, and until when.
type Leased = (Hook, Option<(Uuid, DateTime<Utc>)>);

#[derive(Default)]
struct Kept {
    noted: BTreeSet<PartnerId>,
    keys: HashMap<[u8; 32], (PartnerId, PartnerKeyId)>,
    cursors: BTreeMap<PartnerId, Cursor>,
    hooks: Vec<Leased>,
    deliveries: Vec<Delivery>,
}

impl Kept {
    /// The webhook that `holder` calls, as it was read.
    fn held(&mut self, hook: &Hook, holder: Uuid) -> Option<&mut Leased> {
        self.hooks.iter_mut().find(|(found, held)| {
            found.id == hook.id
                && found.generation == hook.generation
                && found.state == HookState::Enabled
                && held.is_some_and(|(by, _)| by == holder)
        })
    }
}

impl MemoryPartners {
    /// Empty, measuring by `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, kept: Mutex::default() }
    }
}

#[async_trait]
impl PartnerStore for MemoryPartners {
    async fn note(&self, partner: PartnerId) -> Result<(), StoreError> {
        lock(&self.kept).noted.insert(partner);
        Ok(())
    }

    async fn noted(&self, after: Option<PartnerId>, limit: usize) -> Result<Vec<PartnerId>, StoreError> {
        let kept = lock(&self.kept);
        Ok(kept.noted.iter().filter(|id| after.is_none_or(|after| **id > after)).take(limit).copied().collect())
    }

    async fn add_key(&self, partner: PartnerId, key: PartnerKeyId, hash: [u8; 32]) -> Result<(), StoreError> {
        let mut kept = lock(&self.kept);
        kept.keys.retain(|_, (_, known)| *known != key);
        kept.keys.insert(hash, (partner, key));
        Ok(())
    }

    async fn key(&self, hash: [u8; 32]) -> Result<Option<(PartnerId, PartnerKeyId)>, StoreError> {
        Ok(lock(&self.kept).keys.get(&hash).copied())
    }

    async fn remove_key(&self, partner: PartnerId, key: PartnerKeyId) -> Result<(), StoreError> {
        lock(&self.kept).keys.retain(|_, known| *known != (partner, key));
        Ok(())
    }

    async fn read_up_to(&self, partner: PartnerId, position: Position) -> Result<(), StoreError> {
        let at = self.clock.now();
        lock(&self.kept).cursors.insert(partner, Cursor { position, at });
        Ok(())
    }

    async fn cursor(&self, partner: PartnerId) -> Result<Option<Cursor>, StoreError> {
        Ok(lock(&self.kept).cursors.get(&partner).copied())
    }

    async fn add_hook(&self, hook: &Hook, most: u32) -> Result<bool, StoreError> {
        let mut kept = lock(&self.kept);
        if kept.hooks.iter().any(|(found, _)| found.id == hook.id) {
            return Ok(true);
        }
        let room = kept.hooks.iter().filter(|(found, _)| found.partner == hook.partner).count() < most as usize;
        if room {
            kept.hooks.push((hook.clone(), None));
        }
        Ok(room)
    }

    async fn hooks(&self, partner: PartnerId) -> Result<Vec<Hook>, StoreError> {
        let kept = lock(&self.kept);
        Ok(kept.hooks.iter().filter(|(hook, _)| hook.partner == partner).map(|(hook, _)| hook.clone()).collect())
    }

    async fn hook(&self, partner: PartnerId, id: Uuid) -> Result<Option<Hook>, StoreError> {
        Ok(self.hooks(partner).await?.into_iter().find(|hook| hook.id == id))
    }

    async fn change_hook(&self, hook: &Hook) -> Result<bool, StoreError> {
        let mut kept = lock(&self.kept);
        let found = kept.hooks.iter_mut().find(|(found, _)| found.id == hook.id && found.generation == hook.generation);
        let changed = found.is_some();
        if let Some(found) = found {
            *found = (Hook { generation: hook.generation + 1, ..hook.clone() }, None);
        }
        Ok(changed)
    }

    async fn remove_hook(&self, partner: PartnerId, id: Uuid) -> Result<bool, StoreError> {
        let mut kept = lock(&self.kept);
        let before = kept.hooks.len();
        kept.hooks.retain(|(hook, _)| hook.partner != partner || hook.id != id);
        Ok(kept.hooks.len() < before)
    }

    async fn claim_hooks(&self, holder: Uuid, ttl: Duration, limit: usize) -> Result<Vec<Hook>, StoreError> {
        let now = self.clock.now();
        let mut kept = lock(&self.kept);
        let free = kept
            .hooks
            .iter_mut()
            .filter(|(hook, held)| hook.state == HookState::Enabled && held.is_none_or(|(_, until)| until <= now));
        Ok(free
            .take(limit)
            .map(|(hook, held)| {
                *held = Some((holder, now + ttl));
                hook.clone()
            })
            .collect())
    }

    async fn keep_hook(&self, hook: &Hook, holder: Uuid, ttl: Duration) -> Result<bool, StoreError> {
        let until = self.clock.now() + ttl;
        let mut kept = lock(&self.kept);
        Ok(kept.held(hook, holder).map(|(_, held)| *held = Some((holder, until))).is_some())
    }

    async fn settle_hook(&self, hook: &Hook, holder: Uuid, ttl: Duration, to: &Standing) -> Result<bool, StoreError> {
        let until = self.clock.now() + ttl;
        let mut kept = lock(&self.kept);
        Ok(kept
            .held(hook, holder)
            .map(|(hook, held)| {
                *held = Some((holder, until));
                (hook.position, hook.attempts) = (to.position, to.attempts);
                (hook.next_attempt_at, hook.state) = (to.next_attempt_at, to.state.clone());
            })
            .is_some())
    }

    async fn release_hook(&self, id: Uuid, holder: Uuid) -> Result<(), StoreError> {
        let mut kept = lock(&self.kept);
        for (hook, held) in &mut kept.hooks {
            if hook.id == id && held.is_some_and(|(by, _)| by == holder) {
                *held = None;
            }
        }
        Ok(())
    }

    async fn log_delivery(&self, delivery: &Delivery) -> Result<(), StoreError> {
        lock(&self.kept).deliveries.push(delivery.clone());
        Ok(())
    }

    async fn deliveries(
        &self,
        hook: Uuid,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Delivery)>, StoreError> {
        let kept = lock(&self.kept);
        let numbered = (1..).zip(&kept.deliveries);
        let mut found: Vec<_> = numbered
            .filter(|(number, found)| found.hook == hook && before.is_none_or(|before| *number < before))
            .map(|(number, found)| (number, found.clone()))
            .collect();
        found.reverse();
        found.truncate(limit);
        Ok(found)
    }

    async fn forget_deliveries(&self, age: Duration) -> Result<u64, StoreError> {
        let oldest = self.clock.now() - age;
        let mut kept = lock(&self.kept);
        let before = kept.deliveries.len();
        kept.deliveries.retain(|delivery| delivery.at >= oldest);
        Ok((before - kept.deliveries.len()) as u64)
    }
}

type Answer = Box<dyn Fn(&Outgoing) -> Result<Reply, CallError> + Send>;

/// Answers as a test says; 200 until then. Refuses addresses that hold `private`.
pub struct ToyHooks {
    answer: Mutex<Answer>,
    calls: Mutex<Vec<Outgoing>>,
}

impl Default for ToyHooks {
    fn default() -> Self {
        let answer: Answer = Box::new(|_| Ok(Reply { status: 200, retry_after: None }));
        Self { answer: Mutex::new(answer), calls: Mutex::default() }
    }
}

impl ToyHooks {
    /// From now on it answers so.
    pub fn answer(&self, answer: impl Fn(&Outgoing) -> Result<Reply, CallError> + Send + 'static) {
        *lock(&self.answer) = Box::new(answer);
    }

    /// Every call so far.
    pub fn calls(&self) -> Vec<Outgoing> {
        lock(&self.calls).clone()
    }
}

#[async_trait]
impl HookCaller for ToyHooks {
    async fn check(&self, url: &str) -> Result<(), CallError> {
        if url.contains("private") { Err(CallError::Forbidden("it is private".to_owned())) } else { Ok(()) }
    }

    async fn call(&self, outgoing: Outgoing) -> Result<Reply, CallError> {
        self.check(&outgoing.url).await?;
        let reply = (lock(&self.answer))(&outgoing);
        lock(&self.calls).push(outgoing);
        reply
    }
}
