//! What operators read of what gateways told.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use souk_projector::ReadGuard;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    QueryError,
    cursor::{self, Cursor, Page},
};

/// Where a webhook stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not looked at yet.
    #[default]
    New,
    /// What it is about is not known yet.
    Waiting,
    /// It cannot be taken in.
    Failed,
    /// It was taken in.
    Settled,
}

impl State {
    /// As the table has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Settled => "settled",
        }
    }
}

/// Something that a gateway told.
#[derive(Clone, Debug, PartialEq, FromRow)]
pub struct Webhook {
    /// Which.
    pub id: Uuid,
    /// Who told it.
    pub gateway: String,
    /// The gateway's id of the event.
    pub event_id: String,
    /// The gateway's type of the event.
    pub kind: String,
    /// `new`, `waiting`, `failed` or `settled`.
    pub state: String,
    /// Of what was settled: `applied`, `nothing_new`, `ignored` or `unmatched`.
    pub outcome: Option<String>,
    /// Why it waits, or failed.
    pub reason: Option<String>,
    /// The order that it is about.
    pub order_id: Option<Uuid>,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// When something last came of it.
    pub changed_at: DateTime<Utc>,
    position: i64,
}

/// Webhooks in `state`, or with `outcome`, or all; the newest first.
///
/// # Errors
/// The cursor is of another list, or the read models failed.
pub async fn webhooks(
    guard: &ReadGuard,
    state: Option<State>,
    outcome: Option<&str>,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page<Webhook>, QueryError> {
    let context = format!("webhooks {} {}", state.map_or("", State::as_str), outcome.unwrap_or_default());
    let after = Cursor::decode_optional(&context, cursor)?;
    let limit = limit.clamp(1, 100);
    let rows: Vec<Webhook> = sqlx::query_as(
        "SELECT webhook_id AS id, gateway, event_id, kind, state, outcome, reason, order_id, received_at, changed_at, position
         FROM webhooks_webhook
         WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR outcome = $2) AND ($3::bigint IS NULL OR position < $3)
         ORDER BY position DESC LIMIT $4",
    )
    .bind(state.map(State::as_str))
    .bind(outcome)
    .bind(after.map(|after| after.key))
    .bind(i64::from(limit) + 1)
    .fetch_all(guard.pool())
    .await?;
    let place = |row: &Webhook| Cursor { key: row.position, id: row.id };
    Ok(cursor::page(rows, limit as usize, &context, place, |row| row))
}

/// One webhook.
///
/// # Errors
/// See [`QueryError`].
pub async fn webhook(guard: &ReadGuard, id: Uuid) -> Result<Option<Webhook>, QueryError> {
    let sql = "SELECT webhook_id AS id, gateway, event_id, kind, state, outcome, reason, order_id, received_at, changed_at, position
         FROM webhooks_webhook WHERE webhook_id = $1";
    Ok(sqlx::query_as(sql).bind(id).fetch_optional(guard.pool()).await?)
}

/// What waits for one of `names`, or for `order`, the oldest first.
///
/// # Errors
/// See [`QueryError`].
pub async fn waiting(guard: &ReadGuard, names: &[String], order: Option<Uuid>) -> Result<Vec<Uuid>, QueryError> {
    let sql = "SELECT webhook_id FROM webhooks_webhook WHERE state = 'waiting' AND (names && $1 OR order_id = $2) ORDER BY position";
    Ok(sqlx::query_scalar(sql).bind(names).bind(order).fetch_all(guard.pool()).await?)
}
