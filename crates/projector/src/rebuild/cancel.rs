//! Rebuilds that other processes run, or ran.

use sqlx::PgPool;

use crate::{Generation, ProjectorError, generation::RebuildLock};

/// A rebuild that was asked for over HTTP and is not over, although nobody may be working on it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Interrupted {
    /// What is rebuilt.
    pub projections: Vec<String>,
    /// Whether a difference without a declared reason keeps the live generation in place.
    pub verify: bool,
}

/// The rebuilds that a serving process goes on with, unless one works on them already, which running them tells.
///
/// # Errors
/// The database failed.
pub async fn interrupted(pool: &PgPool) -> Result<Vec<Interrupted>, ProjectorError> {
    // Who works on one says so every second.
    Ok(sqlx::query_as(
        "SELECT projections, verify FROM souk_ops.projection_rebuild \
         WHERE ended_at IS NULL AND served AND NOT cancelled AND updated_at < now() - interval '3 seconds' ORDER BY id",
    )
    .fetch_all(pool)
    .await?)
}

/// Ends the rebuild of `projection`, whichever process runs it, and drops what an interrupted one left. One that runs ends
/// within seconds, together with the other projections that it rebuilds.
///
/// # Errors
/// There is none, or the database failed.
pub async fn cancel(pool: &PgPool, projection: &str) -> Result<(), ProjectorError> {
    let mut lock = RebuildLock::open(pool).await?;
    let cancelled = cancel_locked(pool, &mut lock, projection).await;
    lock.release().await;
    cancelled
}

async fn cancel_locked(pool: &PgPool, lock: &mut RebuildLock, projection: &str) -> Result<(), ProjectorError> {
    let running = !lock.take(projection).await?;
    let told = sqlx::query(
        "UPDATE souk_ops.projection_rebuild SET cancelled = true, \
         ended_at = CASE WHEN $2 THEN ended_at ELSE now() END, outcome = CASE WHEN $2 THEN outcome ELSE 'cancelled' END \
         WHERE ended_at IS NULL AND $1 = ANY (projections)",
    )
    .bind(projection)
    .bind(running)
    .execute(pool)
    .await?;
    let mut found = told.rows_affected() > 0;
    if !running {
        while let Some(generation) = Generation::unfinished(pool, projection).await? {
            generation.discard(pool).await?;
            found = true;
        }
    }
    if found { Ok(()) } else { Err(ProjectorError::NotRebuilding(projection.to_owned())) }
}
