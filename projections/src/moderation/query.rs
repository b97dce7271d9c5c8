//! What moderators read.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use souk_domain::stream::{Category, StreamId};
use souk_ports::Vault;
use souk_projector::ReadGuard;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    QueryError,
    catalogue::PluginVendor,
    cursor::{self, Cursor, Page},
    library::PluginRef,
    reliability::{self, Validation},
    reviews::{self, Review},
    sealed,
};

/// What stands where somebody who was erased said something.
const ERASED: &str = "[erased]";

/// What is to be decided about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A version of a plugin.
    Version,
    /// A review.
    Review,
}

impl Subject {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Review => "review",
        }
    }
}

/// Why a moderator is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The pipeline left a version to a human.
    Escalated,
    /// A vendor appealed against a rejection.
    Appealed,
    /// Somebody reported a review.
    Flagged,
}

/// What became of an item, or what a moderator decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The version can be installed.
    Approved,
    /// The version does not install.
    Rejected,
    /// On appeal, the version can be installed after all.
    Overturned,
    /// Also after the appeal, the version never installs.
    Upheld,
    /// The review stands.
    Kept,
    /// The review is hidden.
    Hidden,
    /// The review shows again.
    Restored,
    /// Its author wrote the review anew: what was reported is gone.
    Edited,
    /// Its author took the review back.
    Retracted,
}

/// Which part of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueState {
    /// What waits, the longest first.
    Open,
    /// What does not wait any more, decided last first.
    Decided,
}

impl QueueState {
    const fn select(self) -> &'static str {
        match self {
            Self::Open => concat!(include_str!("items.sql"), include_str!("open_items.sql")),
            Self::Decided => concat!(include_str!("items.sql"), include_str!("decided_items.sql")),
        }
    }
}

/// How many findings of which severity the events of a validation list: the worst 50 of each step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// Blocks.
    pub critical: i64,
    /// Costs 25 points.
    pub high: i64,
    /// Costs 8 points.
    pub medium: i64,
    /// Costs 2 points.
    pub low: i64,
    /// Costs nothing.
    pub info: i64,
}

/// Something that waits, or waited, for a moderator.
#[derive(Clone, Debug, PartialEq, FromRow)]
pub struct Item {
    /// Of the validation or the review.
    pub id: Uuid,
    /// What is to be decided about.
    #[sqlx(json)]
    pub subject: Subject,
    /// Why a moderator was asked last.
    #[sqlx(json)]
    pub why: Why,
    /// What was said by whoever asked last; `[erased]` when that person is.
    pub reason: String,
    told_by: Option<Uuid>,
    /// How often one was asked while it was open.
    pub reports: i32,
    /// Since when it waits.
    pub since: DateTime<Utc>,
    /// Position of the event that opened it.
    pub opened: i64,
    /// Of versions: which.
    pub version: Option<String>,
    /// Of which plugin.
    #[sqlx(flatten)]
    pub plugin: PluginRef,
    /// Whose.
    #[sqlx(flatten)]
    pub vendor: PluginVendor,
    /// Of versions: 0 to 100.
    pub confidence: Option<i16>,
    /// Of versions: what was found.
    #[sqlx(json)]
    pub findings: Findings,
    /// What became of it; none while it is open.
    #[sqlx(json(nullable))]
    pub decision: Option<Decision>,
    /// Which moderator decided, where it was one.
    pub decided_by: Option<Uuid>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    decided: Option<i64>,
}

impl Item {
    fn place(&self) -> Cursor {
        Cursor { key: self.decided.unwrap_or(self.opened), id: self.id }
    }

    /// With what a person said in words that can be read.
    async fn open(mut self, vault: &dyn Vault) -> Result<Self, QueryError> {
        if self.told_by.is_some() {
            let stream = StreamId::new(Category::Review, self.id);
            let [reason] = sealed::open(vault, self.told_by, stream, [("reason", Some(self.reason))]).await?;
            self.reason = reason.unwrap_or_else(|| ERASED.to_owned());
        }
        Ok(self)
    }
}

/// What a moderator decided.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Decided {
    /// What.
    #[sqlx(json)]
    pub decision: Decision,
    /// Why, where a reason was given.
    pub reason: Option<String>,
    /// Who; none at the command line of the server.
    pub decided_by: Option<Uuid>,
    /// When.
    pub decided_at: DateTime<Utc>,
    /// Position of the event.
    pub position: i64,
}

/// How far two runs of a version's samples agreed.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct CrossCheck {
    /// Samples that were run.
    pub samples: i64,
    /// The consensus of each attempt, thousandths; the last one counts.
    #[sqlx(json)]
    pub attempts: Vec<u16>,
}

/// Everything there is to decide by.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What waits.
    pub item: Item,
    /// What moderators decided about it so far, the first first.
    pub decisions: Vec<Decided>,
    /// Of versions: what was found.
    pub validation: Option<Validation>,
    /// Of versions with samples that were run.
    pub cross_check: Option<CrossCheck>,
    /// Of reviews: what it says, unless it was taken back.
    pub review: Option<Review>,
}

/// A page of the queue.
///
/// # Errors
/// The cursor is of another list, or the read models failed.
pub async fn queue(
    guard: &ReadGuard,
    vault: &dyn Vault,
    state: QueueState,
    subject: Option<Subject>,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page<Item>, QueryError> {
    let subject = subject.map(Subject::as_str);
    let context = format!("moderation {state:?} {}", subject.unwrap_or_default());
    let after = Cursor::decode_optional(&context, cursor)?;
    let limit = limit.clamp(1, 100);
    let rows: Vec<Item> = sqlx::query_as(state.select())
        .bind(subject)
        .bind(after.map(|after| after.key))
        .bind(i64::from(limit) + 1)
        .fetch_all(guard.pool())
        .await?;
    let page = cursor::page(rows, limit as usize, &context, Item::place, |row| row);
    let mut items = Vec::with_capacity(page.items.len());
    for item in page.items {
        items.push(item.open(vault).await?);
    }
    Ok(Page { items, ..page })
}

/// An item with everything there is to decide by; none when nobody ever asked a moderator about it.
///
/// # Errors
/// See [`QueryError`].
pub async fn case(guard: &ReadGuard, vault: &dyn Vault, id: Uuid) -> Result<Option<Case>, QueryError> {
    let select = concat!(include_str!("items.sql"), "WHERE i.item_id = $1");
    let item: Option<Item> = sqlx::query_as(select).bind(id).fetch_optional(guard.pool()).await?;
    let Some(item) = item else { return Ok(None) };
    let item = item.open(vault).await?;
    let decisions = sqlx::query_as(include_str!("decided.sql")).bind(id).fetch_all(guard.pool()).await?;
    let (mut validation, mut cross_check, mut review) = (None, None, None);
    match item.subject {
        Subject::Version => {
            validation = reliability::validation(guard, item.plugin.id, id).await?;
            let select = "SELECT samples, attempts FROM moderation_cross_check WHERE validation_id = $1";
            cross_check = sqlx::query_as(select).bind(id).fetch_optional(guard.pool()).await?;
        }
        Subject::Review => review = reviews::review(guard, vault, id).await?,
    }
    Ok(Some(Case { item, decisions, validation, cross_check, review }))
}
