//! Bringing the new and the live generation to one position.

use std::sync::Arc;

use souk_ports::{Position, RecordedEvent};
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use tokio::time::sleep;

use super::{AGAIN, Rebuild, TRIES, compare, load::read_page, meter::Meter, report::ProjectionReport};
use crate::{
    Generation, Projection, ProjectorError,
    apply::{Applied, Applier},
    checkpoint::{Checkpoint, from_sql},
    poison,
};

/// Events that are applied at once while catching up.
const PAGE: usize = 2_000;

/// A generation that is being built, beside the one that is live.
pub(super) struct Building {
    pub applier: Applier,
    pub live: Applier,
    /// Where the new generation is.
    pub position: Position,
}

impl Building {
    pub async fn new(
        pool: &PgPool,
        projection: Arc<dyn Projection>,
        live: Generation,
        generation: Generation,
    ) -> Result<Self, ProjectorError> {
        let skipped = poison::skipped(pool, projection.name()).await?;
        let applier = |generation, live| Applier {
            pool: pool.clone(),
            projection: Arc::clone(&projection),
            checkpoint: Checkpoint { generation, partition: 0 },
            live,
            partitions: None,
            skipped: skipped.clone(),
        };
        Ok(Self { live: applier(live, true), applier: applier(generation, false), position: 0 })
    }

    pub fn generation(&self) -> &Generation {
        self.applier.generation()
    }

    pub fn projection(&self) -> &Arc<dyn Projection> {
        &self.applier.projection
    }

    fn name(&self) -> &'static str {
        self.applier.projection.name()
    }
}

/// Whether the live generation could be brought to a position.
enum Level {
    Reached,
    /// It cannot get there, for this reason.
    Stuck(String),
}

impl Rebuild {
    /// Brings the new generation to the end of the log, but not beyond `to`.
    pub(super) async fn catch_up(
        &self,
        building: &mut Building,
        to: Position,
        meter: &Meter,
    ) -> Result<(), ProjectorError> {
        loop {
            let mut page = read_page(self.log.as_ref(), building.position, PAGE).await?;
            page.truncate(page.partition_point(|event| event.position <= to));
            let Some(last) = page.last() else { break };
            self.apply(&building.applier, building.position, &page).await?;
            building.position = last.position;
            meter.read(last.position);
        }
        // A log whose positions have gaps: nothing lies between here and there.
        if to != Position::MAX && building.position < to {
            let moved = building.applier.flush(building.position, to, building.projection().begin()).await;
            if !matches!(moved, Ok(true)) {
                return Err(ProjectorError::NeverLevel(building.name().to_owned()));
            }
            building.position = to;
        }
        Ok(())
    }

    async fn apply(&self, applier: &Applier, after: Position, events: &[RecordedEvent]) -> Result<(), ProjectorError> {
        match applier.apply(&self.decoder, after, events).await? {
            Applied::Done => Ok(()),
            Applied::Lost => {
                let Generation { projection, generation, .. } = applier.generation().clone();
                Err(ProjectorError::Interfered { projection, generation })
            }
            Applied::Poison(event, error) => Err(ProjectorError::Poisoned {
                projection: applier.projection.name().to_owned(),
                position: event.position,
                event_id: event.id,
                event_type: event.event_type,
                error,
            }),
        }
    }

    /// Brings the live generation to `to`, whether a runner does the same at this moment or none runs.
    async fn catch_up_live(&self, live: &Applier, to: Position) -> Result<Level, ProjectorError> {
        let (found, known) = (live.generation().version, live.projection.version());
        if found != known {
            return Ok(Level::Stuck(format!("version {found} of the projection wrote it, this is version {known}")));
        }
        loop {
            let Some((position, true)) = live.checkpoint.read(&self.pool).await? else {
                return Err(ProjectorError::NoGeneration(live.projection.name().to_owned()));
            };
            if position >= to {
                return Ok(Level::Reached);
            }
            if poison::is_stopped(&self.pool, live.generation(), live.checkpoint.partition).await? {
                return Ok(Level::Stuck(format!("it is stopped at position {position} by an event it cannot take")));
            }
            let page = read_page(self.log.as_ref(), position, PAGE).await?;
            match live.apply(&self.decoder, position, &page).await? {
                // Lost to a runner, which is as good.
                Applied::Done | Applied::Lost => {}
                Applied::Poison(event, problem) => {
                    poison::record(&self.pool, live.generation(), live.checkpoint.partition, &event, &problem).await?;
                }
            }
        }
    }

    /// Brings both generations to one position and compares them there.
    pub(super) async fn compare_level(
        &self,
        building: &mut Building,
        meter: &Meter,
    ) -> Result<ProjectionReport, ProjectorError> {
        let report = |building: &Building, not_compared, tables| ProjectionReport {
            projection: building.name().to_owned(),
            generation: building.generation().generation,
            position: building.position,
            not_compared,
            tables,
        };
        for _ in 0..TRIES {
            self.catch_up(building, Position::MAX, meter).await?;
            if let Level::Stuck(reason) = self.catch_up_live(&building.live, building.position).await? {
                return Ok(report(building, Some(format!("the live generation: {reason}")), Vec::new()));
            }
            // From here on nobody writes the live generation, until both stand level and a snapshot of them is open.
            let mut pause = self.pool.begin().await?;
            let (lowest, highest) = lock_checkpoints(&mut pause, building.live.generation()).await?;
            if lowest != highest || lowest < building.position {
                pause.rollback().await?;
                sleep(AGAIN).await;
                continue;
            }
            self.catch_up(building, lowest, meter).await?;
            let mut snapshot = open_snapshot(&self.pool).await?;
            pause.rollback().await?;
            let tables = compare::tables(
                &mut snapshot,
                &building.live.generation().schema,
                &building.generation().schema,
                building.projection().tables(),
            )
            .await?;
            snapshot.rollback().await?;
            return Ok(report(building, None, tables));
        }
        Err(ProjectorError::NeverLevel(building.name().to_owned()))
    }
}

/// Locks the checkpoints of `generation` against flushes; the lowest and the highest position over its partitions.
pub(super) async fn lock_checkpoints(
    connection: &mut PgConnection,
    generation: &Generation,
) -> Result<(Position, Position), ProjectorError> {
    let positions: Vec<i64> = sqlx::query_scalar(
        "SELECT position FROM souk_ops.projection_checkpoint WHERE projection = $1 AND generation = $2 \
         ORDER BY partition FOR UPDATE",
    )
    .bind(&generation.projection)
    .bind(generation.generation)
    .fetch_all(connection)
    .await?;
    match (positions.iter().min(), positions.iter().max()) {
        (Some(lowest), Some(highest)) => Ok((from_sql(*lowest), from_sql(*highest))),
        _ => Err(ProjectorError::NoGeneration(generation.projection.clone())),
    }
}

/// A transaction that sees the database as it is now, for as long as it is open.
async fn open_snapshot(pool: &PgPool) -> Result<Transaction<'static, Postgres>, ProjectorError> {
    let mut snapshot = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    // The snapshot is taken by the first statement, not by BEGIN.
    sqlx::query("SELECT count(*) FROM souk_ops.projection_checkpoint").execute(&mut *snapshot).await?;
    Ok(snapshot)
}
