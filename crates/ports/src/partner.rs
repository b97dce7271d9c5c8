//! What is kept of partners beside their events, and how their webhooks are called.

use std::{collections::BTreeSet, fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use souk_domain::id::{PartnerId, PartnerKeyId};
use uuid::Uuid;

use crate::{log::Position, store::StoreError};

/// How far a partner has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// It said that it has everything up to here.
    pub position: Position,
    /// When it last said so.
    pub at: DateTime<Utc>,
}

/// Whether a webhook is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookState {
    /// It is.
    Enabled,
    /// It is not, for this reason: `gone`, `failing` or `disabled`.
    Disabled(String),
}

/// A webhook of a partner.
#[derive(Clone, PartialEq, Eq)]
pub struct Hook {
    /// Which.
    pub id: Uuid,
    /// Whose.
    pub partner: PartnerId,
    /// Where it is called.
    pub url: String,
    /// Patterns of types; none for all that its partner may have.
    pub types: BTreeSet<String>,
    /// The sealed secret,
    pub secret: Vec<u8>,
    /// and the one before, with the moment from which on it signs nothing any more.
    pub previous: Option<(Vec<u8>, DateTime<Utc>)>,
    /// Whether it is called.
    pub state: HookState,
    /// Everything up to here was delivered, or is none of its business.
    pub position: Position,
    /// Failed attempts at what comes next.
    pub attempts: u32,
    /// Not called before.
    pub next_attempt_at: DateTime<Utc>,
    /// Raised by every change of its owner: who calls it looks again.
    pub generation: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").field("id", &self.id).field("position", &self.position).finish_non_exhaustive()
    }
}

/// Where a webhook stands after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Everything up to here was delivered, or is none of its business.
    pub position: Position,
    /// Failed attempts at what comes next.
    pub attempts: u32,
    /// Not called before.
    pub next_attempt_at: DateTime<Utc>,
    /// Whether it is called.
    pub state: HookState,
}

/// One attempt to deliver an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// To which webhook.
    pub hook: Uuid,
    /// Which event.
    pub event: Uuid,
    /// Its type.
    pub event_type: String,
    /// Its position; none for a test.
    pub position: Option<Position>,
    /// The how-manieth attempt, from 1.
    pub attempt: u32,
    /// Whether it was taken.
    pub delivered: bool,
    /// HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// What went wrong, beginning with a name and a colon.
    pub problem: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// How long it took, ms.
    pub duration_ms: u32,
}

/// What is kept of partners beside their events.
#[async_trait]
pub trait PartnerStore: Send + Sync {
    /// Notes that there is, or is about to be, this partner.
    async fn note(&self, partner: PartnerId) -> Result<(), StoreError>;
    /// At most `limit` noted partners behind `after`, in order of their ids.
    async fn noted(&self, after: Option<PartnerId>, limit: usize) -> Result<Vec<PartnerId>, StoreError>;
    /// Stores the SHA-256 of a key.
    async fn add_key(&self, partner: PartnerId, key: PartnerKeyId, hash: [u8; 32]) -> Result<(), StoreError>;
    /// Whose key this is.
    async fn key(&self, hash: [u8; 32]) -> Result<Option<(PartnerId, PartnerKeyId)>, StoreError>;
    /// Forgets a key.
    async fn remove_key(&self, partner: PartnerId, key: PartnerKeyId) -> Result<(), StoreError>;
    /// Notes how far a partner has read.
    async fn read_up_to(&self, partner: PartnerId, position: Position) -> Result<(), StoreError>;
    /// How far a partner has read; none when it never did.
    async fn cursor(&self, partner: PartnerId) -> Result<Option<Cursor>, StoreError>;

    /// Keeps a new webhook, unless its partner has `most` already or one with this id; whether it is there now.
    async fn add_hook(&self, hook: &Hook, most: u32) -> Result<bool, StoreError>;
    /// The webhooks of a partner, in the order in which they were made.
    async fn hooks(&self, partner: PartnerId) -> Result<Vec<Hook>, StoreError>;
    /// One of them.
    async fn hook(&self, partner: PartnerId, hook: Uuid) -> Result<Option<Hook>, StoreError>;
    /// Writes what the owner changed (types, secrets, state, position, attempts, next attempt), raises the generation and takes it from
    /// who calls it; false when it is not as `hook` was read, or gone.
    async fn change_hook(&self, hook: &Hook) -> Result<bool, StoreError>;
    /// Forgets a webhook and what was delivered to it; whether it was there.
    async fn remove_hook(&self, partner: PartnerId, hook: Uuid) -> Result<bool, StoreError>;

    /// Takes, for `ttl`, at most `limit` enabled webhooks that nobody calls.
    async fn claim_hooks(&self, holder: Uuid, ttl: Duration, limit: usize) -> Result<Vec<Hook>, StoreError>;
    /// Goes on calling a webhook for `ttl`; false when its owner changed it or somebody else calls it now.
    async fn keep_hook(&self, hook: &Hook, holder: Uuid, ttl: Duration) -> Result<bool, StoreError>;
    /// Writes where it stands and goes on calling it for `ttl`; false as in [`PartnerStore::keep_hook`], and then nothing is written.
    async fn settle_hook(&self, hook: &Hook, holder: Uuid, ttl: Duration, to: &Standing) -> Result<bool, StoreError>;
    /// Lets somebody else call a webhook.
    async fn release_hook(&self, hook: Uuid, holder: Uuid) -> Result<(), StoreError>;

    /// Keeps an attempt.
    async fn log_delivery(&self, delivery: &Delivery) -> Result<(), StoreError>;
    /// At most `limit` attempts before the one with the number `before`, the newest first, with their numbers.
    async fn deliveries(
        &self,
        hook: Uuid,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Delivery)>, StoreError>;
    /// Forgets attempts older than `age`; how many there were.
    async fn forget_deliveries(&self, age: Duration) -> Result<u64, StoreError>;
}

/// What is sent to a webhook.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Where.
    pub url: String,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: Bytes,
}

/// What a webhook answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After`, where it is a number of seconds.
    pub retry_after: Option<Duration>,
}

/// Why a webhook gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It is not called at this address.
    #[error("forbidden_target: {0}")]
    Forbidden(String),
    /// It did not answer in time.
    #[error("timeout: no answer within {0:?}")]
    Timeout(Duration),
    /// It could not be reached, or broke off.
    #[error("unreachable: {0}")]
    Unreachable(String),
}

/// Calls webhooks, and only where calling can harm nobody.
#[async_trait]
pub trait HookCaller: Send + Sync {
    /// Whether this address may be called, as far as that is known before it is.
    ///
    /// # Errors
    /// See [`CallError`].
    async fn check(&self, url: &str) -> Result<(), CallError>;

    /// Calls it once. Redirects are answers.
    ///
    /// # Errors
    /// See [`CallError`].
    async fn call(&self, outgoing: Outgoing) -> Result<Reply, CallError>;
}
