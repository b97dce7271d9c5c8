//! Where the history of a plugin is in the log.

use chrono::{DateTime, Utc};
use serde::Serialize;
use souk_projector::ReadGuard;
use sqlx::FromRow;
use uuid::Uuid;

use crate::QueryError;

/// A reference to an event of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub struct EventRef {
    /// Its place in the log.
    pub position: i64,
    /// Its id.
    pub event_id: Uuid,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// Its stream.
    pub stream: String,
    /// Its place in the stream.
    pub version: i64,
}

/// The events of `plugin` behind position `after`, in order, at most `limit`.
///
/// # Errors
/// See [`QueryError`].
pub async fn events(guard: &ReadGuard, plugin: Uuid, after: u64, limit: usize) -> Result<Vec<EventRef>, QueryError> {
    let rows = sqlx::query_as(include_str!("events.sql"))
        .bind(plugin)
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(guard.pool())
        .await?;
    Ok(rows)
}

/// How many events `plugin` has.
///
/// # Errors
/// See [`QueryError`].
pub async fn count(guard: &ReadGuard, plugin: Uuid) -> Result<i64, QueryError> {
    let sql = "SELECT count(*) FROM timeline_event WHERE plugin_id = $1";
    Ok(sqlx::query_scalar(sql).bind(plugin).fetch_one(guard.pool()).await?)
}
