//! Where the history of a plugin is in the log.

use souk_projector::ReadGuard;
use uuid::Uuid;

use crate::QueryError;

/// The positions of the events of `plugin` behind position `after`, in order, at most `limit`.
///
/// # Errors
/// See [`QueryError`].
pub async fn positions(guard: &ReadGuard, plugin: Uuid, after: u64, limit: usize) -> Result<Vec<u64>, QueryError> {
    let positions: Vec<i64> = sqlx::query_scalar(include_str!("positions.sql"))
        .bind(plugin)
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(guard.pool())
        .await?;
    Ok(positions.into_iter().map(i64::unsigned_abs).collect())
}
