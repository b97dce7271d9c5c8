//! Events that a projection cannot take, and what operators decide about them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use souk_ports::{Position, RecordedEvent};
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use crate::{
    Generation, ProjectorError,
    checkpoint::{from_sql, to_sql},
};

/// An event that a projection could not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poison {
    /// The projection.
    pub projection: String,
    /// Where the event is.
    pub position: Position,
    /// Which event.
    pub event_id: Uuid,
    /// Its type.
    pub event_type: String,
    /// Its stream.
    pub stream: String,
    /// Why.
    pub error: String,
    /// When it was found.
    pub found_at: DateTime<Utc>,
    /// `retry` or `skip`; none while it stops the projection.
    pub decision: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    projection: String,
    position: i64,
    event_id: Uuid,
    event_type: String,
    stream: String,
    error: String,
    found_at: DateTime<Utc>,
    decision: Option<String>,
}

/// The poisonous events of `projection`, or of all, skipped ones included, in order.
///
/// # Errors
/// The database failed.
pub async fn poisons(pool: &PgPool, projection: Option<&str>) -> Result<Vec<Poison>, ProjectorError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT projection, position, event_id, event_type, stream, error, found_at, decision \
         FROM souk_ops.projection_poison WHERE $1::text IS NULL OR projection = $1 ORDER BY projection, position",
    )
    .bind(projection)
    .fetch_all(pool)
    .await?;
    let poison = |row: Row| Poison {
        projection: row.projection,
        position: from_sql(row.position),
        event_id: row.event_id,
        event_type: row.event_type,
        stream: row.stream,
        error: row.error,
        found_at: row.found_at,
        decision: row.decision,
    };
    Ok(rows.into_iter().map(poison).collect())
}

/// Lets `projection` try the event at `position` again, for instance after a new version of Souk was installed.
///
/// # Errors
/// Nothing stops the projection there, or the database failed.
pub async fn retry(pool: &PgPool, projection: &str, position: Position) -> Result<(), ProjectorError> {
    decide(pool, projection, position, "retry").await
}

/// Lets `projection` go on without the event at `position`. Recorded; every later rebuild leaves it out as well.
///
/// # Errors
/// Nothing stops the projection there, or the database failed.
pub async fn skip(pool: &PgPool, projection: &str, position: Position) -> Result<(), ProjectorError> {
    decide(pool, projection, position, "skip").await
}

async fn decide(pool: &PgPool, projection: &str, position: Position, decision: &str) -> Result<(), ProjectorError> {
    let done = sqlx::query(
        "UPDATE souk_ops.projection_poison SET decision = $3, decided_at = now() WHERE projection = $1 AND position = $2",
    )
    .bind(projection)
    .bind(to_sql(position))
    .bind(decision)
    .execute(pool)
    .await?;
    if done.rows_affected() == 0 {
        return Err(ProjectorError::NotPoisoned { projection: projection.to_owned(), position });
    }
    Ok(())
}

/// Records that `event` stops `generation`.
pub(crate) async fn record(
    pool: &PgPool,
    generation: &Generation,
    partition: i32,
    event: &RecordedEvent,
    error: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(include_str!("sql/record_poison.sql"))
        .bind(&generation.projection)
        .bind(to_sql(event.position))
        .bind(generation.generation)
        .bind(partition)
        .bind(event.id)
        .bind(&event.event_type)
        .bind(event.stream.to_string())
        .bind(error)
        .execute(pool)
        .await?;
    Ok(())
}

/// The positions that an operator skipped.
pub(crate) async fn skipped(
    executor: impl PgExecutor<'_>,
    projection: &str,
) -> Result<BTreeSet<Position>, sqlx::Error> {
    let positions: Vec<i64> = sqlx::query_scalar(
        "SELECT position FROM souk_ops.projection_poison WHERE projection = $1 AND decision = 'skip'",
    )
    .bind(projection)
    .fetch_all(executor)
    .await?;
    Ok(positions.into_iter().map(from_sql).collect())
}

/// The positions that `generation` met, and an operator skipped.
pub(crate) async fn skipped_by(
    executor: impl PgExecutor<'_>,
    generation: &Generation,
) -> Result<BTreeSet<Position>, sqlx::Error> {
    let positions: Vec<i64> = sqlx::query_scalar(
        "SELECT position FROM souk_ops.projection_poison \
         WHERE projection = $1 AND generation = $2 AND decision = 'skip'",
    )
    .bind(&generation.projection)
    .bind(generation.generation)
    .fetch_all(executor)
    .await?;
    Ok(positions.into_iter().map(from_sql).collect())
}

/// Records that a rebuild met `event`, for an operator to decide. One that stops the live generation stays as it is.
pub(crate) async fn record_of_rebuild(
    pool: &PgPool,
    generation: &Generation,
    event: &RecordedEvent,
    error: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO souk_ops.projection_poison \
         (projection, position, generation, partition, event_id, event_type, stream, error) \
         VALUES ($1, $2, $3, 0, $4, $5, $6, $7) ON CONFLICT (projection, position) DO NOTHING",
    )
    .bind(&generation.projection)
    .bind(to_sql(event.position))
    .bind(generation.generation)
    .bind(event.id)
    .bind(&event.event_type)
    .bind(event.stream.to_string())
    .bind(error)
    .execute(pool)
    .await?;
    Ok(())
}

/// Forgets what earlier rebuilds met and nobody decided: the next one meets it again, or does not.
pub(crate) async fn forget_of_rebuilds(executor: impl PgExecutor<'_>, live: &Generation) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM souk_ops.projection_poison WHERE projection = $1 AND generation > $2 AND decision IS NULL",
    )
    .bind(&live.projection)
    .bind(live.generation)
    .execute(executor)
    .await?;
    Ok(())
}

/// Whether an event of `partition` waits for a decision.
pub(crate) async fn is_stopped(
    executor: impl PgExecutor<'_>,
    generation: &Generation,
    partition: i32,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM souk_ops.projection_poison \
         WHERE projection = $1 AND generation = $2 AND partition = $3 AND decision IS NULL)",
    )
    .bind(&generation.projection)
    .bind(generation.generation)
    .bind(partition)
    .fetch_one(executor)
    .await
}

/// Forgets events up to `position` that were tried again and taken.
pub(crate) async fn forget_retried(
    executor: impl PgExecutor<'_>,
    projection: &str,
    partition: i32,
    position: Position,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM souk_ops.projection_poison \
         WHERE projection = $1 AND partition = $2 AND position <= $3 AND decision = 'retry'",
    )
    .bind(projection)
    .bind(partition)
    .bind(to_sql(position))
    .execute(executor)
    .await?;
    Ok(())
}
