//! How far the projections are.

use std::sync::Arc;

use serde::Serialize;
use souk_ports::{EventLog, Position};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{Projection, ProjectorError, checkpoint::from_sql};

/// How a projection is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectionStatus {
    /// Which.
    pub name: String,
    /// The live generation.
    pub generation: i32,
    /// How far it is, over all partitions.
    pub position: Position,
    /// The end of the log.
    pub head: Position,
    /// Events between the two.
    pub lag: u64,
    /// What it does.
    pub state: State,
    /// The rebuild that runs, if one does.
    pub progress: Option<RunningRebuild>,
    /// The event that stops it, if one does.
    pub stopped_by: Option<PoisonStatus>,
    /// What else stops it, in words for an operator, beginning with a name and a colon: `checkpoint_ahead`, `other_log` or
    /// `wrong_partition_count`.
    pub trouble: Option<String>,
}

/// What a projection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It follows the feed.
    Live,
    /// It follows the feed while its next generation is being built.
    Rebuilding,
    /// An event stops it until an operator decides, or its checkpoint cannot be followed.
    Stopped,
    /// Another version of Souk wrote it; it must be rebuilt.
    Outdated,
}

/// A rebuild that runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunningRebuild {
    /// What it does: `loading`, `indexing`, `comparing`, `catching_up` or `swapping`.
    pub phase: String,
    /// Events read.
    pub read: u64,
    /// Events to read.
    pub head: u64,
    /// Events a second, over the last seconds.
    pub rate: f64,
    /// Seconds until all are read, at this rate.
    pub seconds_left: Option<f64>,
}

/// An event that stops a projection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoisonStatus {
    /// Where it is.
    pub position: Position,
    /// Which.
    pub event_id: Uuid,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Why it cannot be taken.
    pub error: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    projection: String,
    generation: i32,
    schema_version: i32,
    position: i64,
    poison_position: Option<i64>,
    poison_event: Option<Uuid>,
    poison_type: Option<String>,
    poison_error: Option<String>,
    trouble: Option<String>,
    phase: Option<String>,
    read: Option<i64>,
    rebuild_head: Option<i64>,
    rate: Option<f64>,
}

/// How each of `projections` is, in their order, whichever processes run them.
///
/// # Errors
/// The database or the log failed, or a projection has no live generation.
pub async fn status(
    pool: &PgPool,
    log: &dyn EventLog,
    projections: &[Arc<dyn Projection>],
) -> Result<Vec<ProjectionStatus>, ProjectorError> {
    let rows: Vec<Row> = sqlx::query_as(include_str!("sql/status.sql")).fetch_all(pool).await?;
    // After the checkpoints, so that none of them is beyond it.
    let head = log.head().await?;
    projections
        .iter()
        .map(|projection| {
            let name = projection.name();
            let row = rows.iter().find(|row| row.projection == name);
            let row = row.ok_or_else(|| ProjectorError::NoGeneration(name.to_owned()))?;
            Ok(of_row(row, projection.version(), head))
        })
        .collect()
}

fn of_row(row: &Row, version: i32, head: Position) -> ProjectionStatus {
    let stopped_by = match (row.poison_position, row.poison_event) {
        (Some(position), Some(event_id)) => Some(PoisonStatus {
            position: from_sql(position),
            event_id,
            event_type: row.poison_type.clone().unwrap_or_default(),
            error: row.poison_error.clone().unwrap_or_default(),
        }),
        _ => None,
    };
    let progress = row.phase.clone().map(|phase| running(row, phase));
    let state = if stopped_by.is_some() || (row.trouble.is_some() && progress.is_none()) {
        State::Stopped
    } else if progress.is_some() {
        State::Rebuilding
    } else if row.schema_version != version {
        State::Outdated
    } else {
        State::Live
    };
    let position = from_sql(row.position);
    ProjectionStatus {
        name: row.projection.clone(),
        generation: row.generation,
        position,
        head,
        lag: head.saturating_sub(position),
        state,
        progress,
        stopped_by,
        trouble: row.trouble.clone(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
fn running(row: &Row, phase: String) -> RunningRebuild {
    let (read, head) = (from_sql(row.read.unwrap_or(0)), from_sql(row.rebuild_head.unwrap_or(0)));
    let rate = row.rate.unwrap_or(0.0);
    let seconds_left = (rate > 0.0).then(|| head.saturating_sub(read) as f64 / rate);
    RunningRebuild { phase, read, head, rate, seconds_left }
}
