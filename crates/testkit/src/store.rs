//! Operational state in memory.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use souk_domain::id::{ApiKeyId, UserId};
use souk_ports::{
    Clock, Position,
    store::{
        Claim, Credentials, Idempotency, Outputs, Parked, Progress, ReactionStore, Rotation, StoreError, StoredAnswer,
        WebhookBodies, WrappedKeys,
    },
};
use uuid::Uuid;

use crate::lock;

/// [`Credentials`] in memory.
#[derive(Debug, Default)]
pub struct MemoryCredentials(Mutex<Accounts>);

#[derive(Debug, Default)]
struct Accounts {
    passwords: HashMap<UserId, String>,
    tokens: HashMap<[u8; 32], Token>,
    revoked: HashSet<Uuid>,
    api_keys: HashMap<[u8; 32], (UserId, ApiKeyId)>,
}

#[derive(Clone, Copy, Debug)]
struct Token {
    user: UserId,
    family: Uuid,
    expires_at: DateTime<Utc>,
    spent: bool,
}

#[async_trait]
impl Credentials for MemoryCredentials {
    async fn set_password(&self, user: UserId, hash: &str) -> Result<(), StoreError> {
        lock(&self.0).passwords.insert(user, hash.to_owned());
        Ok(())
    }

    async fn password(&self, user: UserId) -> Result<Option<String>, StoreError> {
        Ok(lock(&self.0).passwords.get(&user).cloned())
    }

    async fn forget(&self, user: UserId) -> Result<(), StoreError> {
        let mut accounts = lock(&self.0);
        accounts.passwords.remove(&user);
        accounts.tokens.retain(|_, token| token.user != user);
        accounts.api_keys.retain(|_, (owner, _)| *owner != user);
        Ok(())
    }

    async fn start_family(
        &self,
        user: UserId,
        family: Uuid,
        token: [u8; 32],
        expires_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        lock(&self.0).tokens.insert(token, Token { user, family, expires_at, spent: false });
        Ok(())
    }

    async fn rotate(
        &self,
        token: [u8; 32],
        next: [u8; 32],
        now: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<Rotation, StoreError> {
        let mut accounts = lock(&self.0);
        let Some(old) = accounts.tokens.get(&token).copied() else { return Ok(Rotation::Invalid) };
        if accounts.revoked.contains(&old.family) || old.expires_at <= now {
            return Ok(Rotation::Invalid);
        }
        if old.spent {
            accounts.revoked.insert(old.family);
            return Ok(Rotation::Reused(old.user));
        }
        accounts.tokens.insert(token, Token { spent: true, ..old });
        accounts.tokens.insert(next, Token { expires_at, ..old });
        Ok(Rotation::Rotated(old.user))
    }

    async fn end_family(&self, token: [u8; 32]) -> Result<(), StoreError> {
        let mut accounts = lock(&self.0);
        if let Some(family) = accounts.tokens.get(&token).map(|token| token.family) {
            accounts.revoked.insert(family);
        }
        Ok(())
    }

    async fn add_api_key(&self, user: UserId, key: ApiKeyId, hash: [u8; 32]) -> Result<(), StoreError> {
        lock(&self.0).api_keys.insert(hash, (user, key));
        Ok(())
    }

    async fn api_key(&self, hash: [u8; 32]) -> Result<Option<(UserId, ApiKeyId)>, StoreError> {
        Ok(lock(&self.0).api_keys.get(&hash).copied())
    }

    async fn remove_api_key(&self, user: UserId, key: ApiKeyId) -> Result<(), StoreError> {
        lock(&self.0).api_keys.retain(|_, entry| *entry != (user, key));
        Ok(())
    }
}

/// [`WrappedKeys`] in memory; none where a key was destroyed.
#[derive(Debug, Default)]
pub struct MemoryWrappedKeys(Mutex<HashMap<UserId, Option<Vec<u8>>>>);

#[async_trait]
impl WrappedKeys for MemoryWrappedKeys {
    async fn get_or_insert(&self, subject: UserId, fresh: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(lock(&self.0).entry(subject).or_insert_with(|| Some(fresh.to_vec())).clone())
    }

    async fn get(&self, subject: UserId) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(lock(&self.0).get(&subject).cloned().flatten())
    }

    async fn get_all(&self, subjects: &[UserId]) -> Result<Vec<(UserId, Vec<u8>)>, StoreError> {
        let keys = lock(&self.0);
        let key = |subject: &UserId| Some((*subject, keys.get(subject).cloned().flatten()?));
        Ok(subjects.iter().filter_map(key).collect())
    }

    async fn destroy(&self, subject: UserId) -> Result<bool, StoreError> {
        Ok(lock(&self.0).insert(subject, None).flatten().is_some())
    }
}

/// [`Idempotency`] in memory, by a clock.
pub struct MemoryIdempotency {
    clock: Arc<dyn Clock>,
    records: Mutex<HashMap<Uuid, Record>>,
}

struct Record {
    fingerprint: [u8; 32],
    since: DateTime<Utc>,
    leased_until: DateTime<Utc>,
    answer: Option<StoredAnswer>,
}

impl MemoryIdempotency {
    /// No records yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, records: Mutex::default() }
    }
}

#[async_trait]
impl Idempotency for MemoryIdempotency {
    async fn claim(&self, key: Uuid, fingerprint: [u8; 32], lease: Duration) -> Result<Claim, StoreError> {
        let now = self.clock.now();
        let mut records = lock(&self.records);
        if let Some(record) = records.get(&key) {
            if record.fingerprint != fingerprint {
                return Ok(Claim::Mismatch);
            }
            if let Some(answer) = &record.answer {
                return Ok(Claim::Finished(answer.clone()));
            }
            if record.leased_until > now {
                return Ok(Claim::Running);
            }
        }
        records.insert(key, Record { fingerprint, since: now, leased_until: now + lease, answer: None });
        Ok(Claim::Claimed)
    }

    async fn finish(&self, key: Uuid, answer: StoredAnswer) -> Result<(), StoreError> {
        if let Some(record) = lock(&self.records).get_mut(&key) {
            record.answer = Some(answer);
        }
        Ok(())
    }

    async fn release(&self, key: Uuid) -> Result<(), StoreError> {
        let mut records = lock(&self.records);
        if records.get(&key).is_some_and(|record| record.answer.is_none()) {
            records.remove(&key);
        }
        Ok(())
    }

    async fn prune(&self, age: Duration) -> Result<u64, StoreError> {
        let limit = self.clock.now() - age;
        let mut records = lock(&self.records);
        let before = records.len();
        records.retain(|_, record| record.since >= limit);
        Ok((before - records.len()) as u64)
    }
}

/// [`ReactionStore`] in memory, by a clock.
pub struct MemoryReactions {
    clock: Arc<dyn Clock>,
    state: Mutex<Reactions>,
}

#[derive(Default)]
struct Reactions {
    checkpoints: BTreeMap<String, Progress>,
    leases: HashMap<String, (Uuid, DateTime<Utc>)>,
    parked: BTreeMap<(Position, String), Parked>,
}

impl MemoryReactions {
    /// No reactions yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }
}

#[async_trait]
impl ReactionStore for MemoryReactions {
    async fn checkpoint(&self, reaction: &str, start: Position) -> Result<Progress, StoreError> {
        Ok(*lock(&self.state).checkpoints.entry(reaction.to_owned()).or_insert(Progress::at(start)))
    }

    async fn checkpoints(&self) -> Result<BTreeMap<String, Progress>, StoreError> {
        Ok(lock(&self.state).checkpoints.clone())
    }

    async fn lease(&self, reaction: &str, holder: Uuid, ttl: Duration) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let mut state = lock(&self.state);
        let taken = state.leases.get(reaction).is_some_and(|(other, until)| *other != holder && *until > now);
        if !taken {
            state.leases.insert(reaction.to_owned(), (holder, now + ttl));
        }
        Ok(!taken)
    }

    async fn unlease(&self, reaction: &str, holder: Uuid) -> Result<(), StoreError> {
        let mut state = lock(&self.state);
        if state.leases.get(reaction).is_some_and(|(owner, _)| *owner == holder) {
            state.leases.remove(reaction);
        }
        Ok(())
    }

    async fn advance(&self, reaction: &str, holder: Uuid, to: Progress) -> Result<bool, StoreError> {
        let mut state = lock(&self.state);
        let held = state.leases.get(reaction).is_some_and(|(owner, _)| *owner == holder);
        if held {
            let checkpoint = state.checkpoints.entry(reaction.to_owned()).or_insert(to);
            if to.position >= checkpoint.position {
                *checkpoint = to;
            }
        }
        Ok(held)
    }

    async fn rewind(&self, reaction: &str, position: Position) -> Result<bool, StoreError> {
        let mut state = lock(&self.state);
        match state.checkpoints.get_mut(reaction) {
            Some(checkpoint) if checkpoint.position >= position => *checkpoint = Progress::at(position),
            _ => return Ok(false),
        }
        state.leases.insert(reaction.to_owned(), (Uuid::nil(), self.clock.now() + Duration::from_secs(30)));
        Ok(true)
    }

    async fn park(&self, parked: Parked) -> Result<(), StoreError> {
        let mut state = lock(&self.state);
        let place = (parked.position, parked.reaction.clone());
        let earlier = state.parked.get(&place).map_or(0, |known| known.attempts);
        let attempts = if earlier == 0 { parked.attempts } else { earlier + 1 };
        state.parked.insert(place, Parked { attempts, ..parked });
        Ok(())
    }

    async fn parked(&self, reaction: Option<&str>) -> Result<Vec<Parked>, StoreError> {
        let state = lock(&self.state);
        let wanted = |parked: &&Parked| reaction.is_none_or(|reaction| parked.reaction == reaction);
        Ok(state.parked.values().filter(wanted).cloned().collect())
    }

    async fn unpark(&self, reaction: &str, position: Position) -> Result<bool, StoreError> {
        Ok(lock(&self.state).parked.remove(&(position, reaction.to_owned())).is_some())
    }
}

/// [`Outputs`] in memory, by a clock.
pub struct MemoryOutputs {
    clock: Arc<dyn Clock>,
    kept: Mutex<HashMap<Uuid, (Value, DateTime<Utc>)>>,
}

impl MemoryOutputs {
    /// No outputs yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, kept: Mutex::default() }
    }
}

#[async_trait]
impl Outputs for MemoryOutputs {
    async fn keep(&self, execution: Uuid, sealed: Value) -> Result<(), StoreError> {
        lock(&self.kept).insert(execution, (sealed, self.clock.now()));
        Ok(())
    }

    async fn output(&self, execution: Uuid) -> Result<Option<Value>, StoreError> {
        Ok(lock(&self.kept).get(&execution).map(|(sealed, _)| sealed.clone()))
    }

    async fn forget_outputs(&self, age: Duration) -> Result<u64, StoreError> {
        let limit = self.clock.now() - age;
        let mut kept = lock(&self.kept);
        let before = kept.len();
        kept.retain(|_, (_, at)| *at >= limit);
        Ok((before - kept.len()) as u64)
    }
}

/// [`WebhookBodies`] in memory; nothing is forgotten by age.
#[derive(Debug, Default)]
pub struct MemoryWebhookBodies(Mutex<HashMap<Uuid, Vec<u8>>>);

#[async_trait]
impl WebhookBodies for MemoryWebhookBodies {
    async fn keep(&self, webhook: Uuid, sealed: &[u8]) -> Result<(), StoreError> {
        lock(&self.0).entry(webhook).or_insert_with(|| sealed.to_vec());
        Ok(())
    }

    async fn body(&self, webhook: Uuid) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(lock(&self.0).get(&webhook).cloned())
    }

    async fn forget_bodies(&self, _age: Duration) -> Result<u64, StoreError> {
        Ok(0)
    }
}
