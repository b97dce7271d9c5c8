//! What persons are told: kinds, what they want to hear of and how, the inbox, and the mails that wait to be sent.
//!
//! Nothing here holds a text about a person. A notice is a kind with ids, names of plugins and amounts; who it is for is read
//! from the person's own stream when a mail is written.

mod kind;

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use souk_domain::id::UserId;
use uuid::Uuid;

pub use self::kind::{Category, Kind};
use crate::store::StoreError;

/// Something that a person is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Derived from the event, the person and the kind.
    pub id: Uuid,
    /// Who is told.
    pub user: UserId,
    /// What it is about.
    pub kind: Kind,
    /// Ids, names and amounts, as [`Kind::example`] shows them.
    pub details: Value,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Whether it was read.
    pub read: bool,
}

/// A notice, and the ways it goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// What is told; unread.
    pub notice: Notice,
    /// Whether it is shown in the inbox.
    pub in_app: bool,
    /// Whether a mail waits to be sent.
    pub mail: bool,
}

/// How somebody hears of one category.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// In the inbox.
    pub in_app: bool,
    /// By mail. What [`Kind::is_binding`] is mailed all the same.
    pub email: bool,
}

/// What somebody chose; a category that is absent is as it is by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences(pub BTreeMap<Category, Choice>);

impl Preferences {
    /// How `category` is heard of.
    #[must_use]
    pub fn of(&self, category: Category) -> Choice {
        self.0.get(&category).copied().unwrap_or_else(|| category.by_default())
    }

    /// Whether `kind` is shown in the inbox.
    #[must_use]
    pub fn in_app(&self, kind: Kind) -> bool {
        self.of(kind.category()).in_app
    }

    /// Whether `kind` is mailed.
    #[must_use]
    pub fn email(&self, kind: Kind) -> bool {
        kind.is_binding() || self.of(kind.category()).email
    }
}

/// Where a page of newest-first rows begins: behind this one.
pub type Behind = Option<(DateTime<Utc>, Uuid)>;

/// Inboxes and preferences.
#[async_trait]
pub trait Notices: Send + Sync {
    /// Delivers all of `batch` or nothing; how many were not there yet. One that is there stays as it is, and is not mailed again.
    /// With `round`, it is also remembered that the event's announcement has come to that person.
    async fn deliver(&self, batch: &[Delivery], round: Option<(Uuid, UserId)>) -> Result<u64, StoreError>;
    /// To whom the announcement of `event` has come.
    async fn round(&self, event: Uuid) -> Result<Option<UserId>, StoreError>;
    /// What those of `users` chose who chose anything.
    async fn preferences(&self, users: &[UserId]) -> Result<BTreeMap<UserId, Preferences>, StoreError>;
    /// Chooses; categories that are absent in `choices` stay as they are.
    async fn choose(&self, user: UserId, choices: &Preferences) -> Result<(), StoreError>;
    /// The inbox of `user` behind `behind`, the newest first, at most `limit`.
    async fn inbox(&self, user: UserId, unread: bool, behind: Behind, limit: u32) -> Result<Vec<Notice>, StoreError>;
    /// How many are unread.
    async fn unread(&self, user: UserId) -> Result<u64, StoreError>;
    /// One of the inbox of `user`.
    async fn notice(&self, user: UserId, id: Uuid) -> Result<Option<Notice>, StoreError>;
    /// Marks as read: `id` only, or all of the inbox that happened at `upto` or before. How many were unread.
    async fn read(&self, user: UserId, what: Read) -> Result<u64, StoreError>;
    /// Forgets all of `user`: inbox, mails and preferences.
    async fn forget_person(&self, user: UserId) -> Result<(), StoreError>;
    /// Forgets what happened longer than `age` ago, and its mails; how many there were.
    async fn forget_notices(&self, age: Duration) -> Result<u64, StoreError>;
}

/// What is marked as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// This one.
    One(Uuid),
    /// All that happened then or before.
    UpTo(DateTime<Utc>),
}

/// Where a mail stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailState {
    /// To be sent, perhaps once more.
    Waiting,
    /// The server took it.
    Sent,
    /// Given up.
    Failed,
    /// Not wanted any more.
    Dropped,
}

impl MailState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Sent, Self::Failed, Self::Dropped];

    /// As the store and the wire spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}

/// A mail whose time has come, claimed.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// What it tells.
    pub notice: Notice,
    /// How often it was tried, with this time.
    pub attempts: u32,
    /// For how long it has waited, by the store's clock.
    pub waited: Duration,
}

/// What became of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The server took it.
    Sent,
    /// Try again after this time; why.
    Later(Duration, String),
    /// Given up; why.
    Failed(String),
    /// Not wanted any more; why.
    Dropped(String),
}

/// A mail, for operators.
#[derive(Clone, Debug, PartialEq)]
pub struct Mailing {
    /// The notice that it tells.
    pub id: Uuid,
    /// To whom.
    pub user: UserId,
    /// What about.
    pub kind: Kind,
    /// Where it stands.
    pub state: MailState,
    /// How often it was tried.
    pub attempts: u32,
    /// Since when it is there.
    pub queued_at: DateTime<Utc>,
    /// When it is tried next; means nothing unless it waits.
    pub due_at: DateTime<Utc>,
    /// What the last try failed with: codes and words of Souk, never the server's own text, which may quote an address.
    pub problem: Option<String>,
}

/// The mails.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Claims up to `limit` mails whose time has come, the longest due first, so that nobody else gets them for `lease`. Their
    /// attempts are counted now, so that a crash counts as well.
    async fn claim_mails(&self, claim: Uuid, limit: u32, lease: Duration) -> Result<Vec<Claimed>, StoreError>;
    /// Records what became of a mail; false when `claim` has lost it.
    async fn settle(&self, id: Uuid, claim: Uuid, settled: Settled) -> Result<bool, StoreError>;
    /// Mails behind `behind` (as queued), the newest first, at most `limit`.
    async fn mails(&self, state: Option<MailState>, behind: Behind, limit: u32) -> Result<Vec<Mailing>, StoreError>;
    /// One of them.
    async fn mail(&self, id: Uuid) -> Result<Option<Mailing>, StoreError>;
    /// Lets one that was given up wait again, with all its time; false unless it failed.
    async fn retry(&self, id: Uuid) -> Result<bool, StoreError>;
}
