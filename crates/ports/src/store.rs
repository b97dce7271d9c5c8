//! Operational state outside the log: what must not be an event, or is not worth one.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use souk_domain::id::{ApiKeyId, UserId};
use uuid::Uuid;

use crate::log::Position;

/// The store cannot be reached, or holds something that cannot be.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the store failed: {0}")]
pub struct StoreError(pub String);

/// Password hashes, refresh tokens and hashes of API keys.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// Sets the password hash (PHC string) of `user`.
    async fn set_password(&self, user: UserId, hash: &str) -> Result<(), StoreError>;
    /// The password hash of `user`.
    async fn password(&self, user: UserId) -> Result<Option<String>, StoreError>;
    /// Forgets everything of `user`.
    async fn forget(&self, user: UserId) -> Result<(), StoreError>;
    /// Stores the first refresh token of a new family. Tokens are given as SHA-256 of the token.
    async fn start_family(
        &self,
        user: UserId,
        family: Uuid,
        token: [u8; 32],
        expires_at: DateTime<Utc>,
    ) -> Result<(), StoreError>;
    /// Spends `token` and stores `next` in its place, in one transaction. A token that was spent before revokes its family.
    async fn rotate(
        &self,
        token: [u8; 32],
        next: [u8; 32],
        now: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<Rotation, StoreError>;
    /// Revokes the family of `token`, if there is one.
    async fn end_family(&self, token: [u8; 32]) -> Result<(), StoreError>;
    /// Stores the SHA-256 of an API key.
    async fn add_api_key(&self, user: UserId, key: ApiKeyId, hash: [u8; 32]) -> Result<(), StoreError>;
    /// Whose API key this is.
    async fn api_key(&self, hash: [u8; 32]) -> Result<Option<(UserId, ApiKeyId)>, StoreError>;
    /// Forgets an API key.
    async fn remove_api_key(&self, user: UserId, key: ApiKeyId) -> Result<(), StoreError>;
}

/// What became of a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It was good; the next one is stored.
    Rotated(UserId),
    /// It was spent before: somebody else has it. Its family is revoked now.
    Reused(UserId),
    /// Unknown, expired, or of a revoked family.
    Invalid,
}

/// Persons' keys, wrapped by the key-encryption key. None is nothing but zeros: each begins with the version of its form.
#[async_trait]
pub trait WrappedKeys: Send + Sync {
    /// The wrapped key of `subject`; `fresh` is stored when there is none yet, unless the key was destroyed (then none).
    async fn get_or_insert(&self, subject: UserId, fresh: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;
    /// The wrapped key of `subject`, unless there is none or it was destroyed.
    async fn get(&self, subject: UserId) -> Result<Option<Vec<u8>>, StoreError>;
    /// The wrapped keys of those of `subjects` that have one, in any order.
    async fn get_all(&self, subjects: &[UserId]) -> Result<Vec<(UserId, Vec<u8>)>, StoreError>;
    /// Destroys the key of `subject` for good, and lets there be no other; also where there was none. Whether there was one.
    async fn destroy(&self, subject: UserId) -> Result<bool, StoreError>;
}

/// The answer of a finished request, to be given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// HTTP status.
    pub status: u16,
    /// `Souk-Position`, where the answer had one.
    pub position: Option<Position>,
    /// Sealed body.
    pub body: Vec<u8>,
}

/// What is known of an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Not used yet, or its lease ran out: it is the caller's now.
    Claimed,
    /// The same request runs.
    Running,
    /// The same request ran; this was the answer.
    Finished(StoredAnswer),
    /// Used for another payload.
    Mismatch,
}

/// Idempotency records. `key` is the command id (of actor, route and key), `fingerprint` the SHA-256 of method, path and body.
#[async_trait]
pub trait Idempotency: Send + Sync {
    /// Claims `key` for `lease`.
    async fn claim(&self, key: Uuid, fingerprint: [u8; 32], lease: Duration) -> Result<Claim, StoreError>;
    /// Stores the answer.
    async fn finish(&self, key: Uuid, answer: StoredAnswer) -> Result<(), StoreError>;
    /// Gives the claim back without an answer, so that a retry runs again.
    async fn release(&self, key: Uuid) -> Result<(), StoreError>;
    /// Forgets records older than `age`; how many there were.
    async fn prune(&self, age: Duration) -> Result<u64, StoreError>;
}

/// An event that a reaction failed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The reaction.
    pub reaction: String,
    /// The event's position.
    pub position: Position,
    /// The event's id.
    pub event: Uuid,
    /// Why.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
}

/// How far a reaction has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Every event up to here is done.
    pub position: Position,
    /// The last event that it saw up to there, by which it knows whether the log is still the same one; none until it saw one.
    pub last: Option<(Position, Uuid)>,
}

impl Progress {
    /// All up to `position`, without having seen an event.
    #[must_use]
    pub const fn at(position: Position) -> Self {
        Self { position, last: None }
    }
}

/// Checkpoints, leases and parked events of reactions.
#[async_trait]
pub trait ReactionStore: Send + Sync {
    /// Where `reaction` is; one that is new starts at `start`.
    async fn checkpoint(&self, reaction: &str, start: Position) -> Result<Progress, StoreError>;
    /// Where every reaction is, by its name.
    async fn checkpoints(&self) -> Result<BTreeMap<String, Progress>, StoreError>;
    /// Takes or renews the lease of `reaction` for `holder`; false while another has it.
    async fn lease(&self, reaction: &str, holder: Uuid, ttl: Duration) -> Result<bool, StoreError>;
    /// Gives the lease back.
    async fn unlease(&self, reaction: &str, holder: Uuid) -> Result<(), StoreError>;
    /// Moves the checkpoint forward; false when `holder` lost the lease.
    async fn advance(&self, reaction: &str, holder: Uuid, to: Progress) -> Result<bool, StoreError>;
    /// Sets `reaction` back to `position`, so that it answers what follows once more, and keeps its lease from everybody for half
    /// a minute, so that who leads notices; false when it is not that far, or not known.
    async fn rewind(&self, reaction: &str, position: Position) -> Result<bool, StoreError>;
    /// Parks an event, or counts one more attempt.
    async fn park(&self, parked: Parked) -> Result<(), StoreError>;
    /// Parked events, oldest first.
    async fn parked(&self, reaction: Option<&str>) -> Result<Vec<Parked>, StoreError>;
    /// Forgets a parked event (after a retry that worked, or because an operator drops it); whether it was there.
    async fn unpark(&self, reaction: &str, position: Position) -> Result<bool, StoreError>;
}

/// Outputs of executions. They may be personal, so they are no events, and are kept for a while only.
#[async_trait]
pub trait Outputs: Send + Sync {
    /// Keeps the sealed output of `execution`; of two the later one.
    async fn keep(&self, execution: Uuid, sealed: Value) -> Result<(), StoreError>;
    /// The sealed output of `execution`, while it is kept.
    async fn output(&self, execution: Uuid) -> Result<Option<Value>, StoreError>;
    /// Forgets what is older than `age`; how many there were.
    async fn forget_outputs(&self, age: Duration) -> Result<u64, StoreError>;
}

/// What payment gateways sent, word for word. It may be personal, so it is no event, and is kept for a while only.
#[async_trait]
pub trait WebhookBodies: Send + Sync {
    /// Keeps the sealed body of `webhook`; of two the first one.
    async fn keep(&self, webhook: Uuid, sealed: &[u8]) -> Result<(), StoreError>;
    /// The sealed body of `webhook`, while it is kept.
    async fn body(&self, webhook: Uuid) -> Result<Option<Vec<u8>>, StoreError>;
    /// Forgets what is older than `age`; how many there were.
    async fn forget_bodies(&self, age: Duration) -> Result<u64, StoreError>;
}
