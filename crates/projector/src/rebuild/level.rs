//! Bringing the new and the live generation to one position.
//!
//! The new generation is read from the log and stands at one position. The live one may follow a feed of several partitions,
//! and then stands at one position in each: every event of that partition up to there is in it. They stand level when each
//! partition of the new one stands where that of the live one does. The new one is brought there, by the same rule that
//! assigns events to partitions in the feed.

use std::{borrow::Cow, sync::Arc};

use souk_ports::{EventLog, Position, RecordedEvent, partition_of};
use souk_transaction::{begin, begin_with};
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use tokio::time::sleep;

use super::{AGAIN, Rebuild, TRIES, compare, fill::Filler, load::read_page, meter::Meter, report::ProjectionReport};
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
    /// Writes the new generation as a whole.
    pub filler: Filler,
    /// Write the partitions of the new generation.
    pub appliers: Vec<Applier>,
    /// Write the partitions of the live one.
    pub live: Vec<Applier>,
    /// Where each partition of the new generation is.
    pub positions: Vec<Position>,
    /// Whether the live generation was found to be of another log than the one that there is now: a backup was restored.
    pub apart: bool,
}

impl Building {
    pub async fn new(
        pool: &PgPool,
        projection: Arc<dyn Projection>,
        live: Generation,
        generation: Generation,
        partitions: usize,
    ) -> Result<Self, ProjectorError> {
        let applier = |generation: &Generation, live, partition| Applier {
            pool: pool.clone(),
            projection: Arc::clone(&projection),
            checkpoint: Checkpoint { generation: generation.clone(), partition },
            live,
            partitions: None,
            skipped: generation.skipped.clone(),
            joint: None,
            memo: None,
        };
        let now_skipped = poison::skipped(pool, projection.name()).await?;
        let numbers = 0..i32::try_from(partitions).unwrap_or(i32::MAX);
        let mut building = Self {
            appliers: numbers.clone().map(|partition| applier(&generation, false, partition)).collect(),
            live: numbers
                .map(|partition| Applier { skipped: now_skipped.clone(), ..applier(&live, true, partition) })
                .collect(),
            positions: Vec::new(),
            apart: false,
            filler: Filler { pool: pool.clone(), projection, generation, partitions },
        };
        building.look(pool).await?;
        Ok(building)
    }

    /// Finds out where the new generation is; waits for who still writes it.
    pub async fn look(&mut self, pool: &PgPool) -> Result<(), ProjectorError> {
        let mut tx = begin(pool).await?;
        self.positions = lock_checkpoints(&mut tx, self.generation()).await?;
        tx.rollback().await?;
        Ok(())
    }

    pub const fn generation(&self) -> &Generation {
        &self.filler.generation
    }

    pub fn live_generation(&self) -> &Generation {
        self.live[0].generation()
    }

    pub const fn projection(&self) -> &Arc<dyn Projection> {
        &self.filler.projection
    }

    fn name(&self) -> &'static str {
        self.filler.projection.name()
    }

    fn partitions(&self) -> u32 {
        u32::try_from(self.appliers.len()).unwrap_or(u32::MAX)
    }

    /// What contradicts that the new generation is of the log that there is now, if anything does.
    pub async fn contradiction(&self, pool: &PgPool, log: &dyn EventLog) -> Result<Option<String>, ProjectorError> {
        contradiction(&self.appliers, pool, log).await
    }

    /// Up to here every event is in the new generation.
    pub fn reached(&self) -> Position {
        self.positions.iter().copied().min().unwrap_or(0)
    }

    /// The last event of any partition that is in the new generation.
    pub fn last(&self) -> Position {
        self.positions.iter().copied().max().unwrap_or(0)
    }
}

async fn contradiction(
    appliers: &[Applier],
    pool: &PgPool,
    log: &dyn EventLog,
) -> Result<Option<String>, ProjectorError> {
    for applier in appliers {
        let found = applier.checkpoint.contradiction(pool, log).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Whether the live generation could be brought to a position.
enum Level {
    Reached,
    /// It cannot get there, for this reason.
    Stuck(String),
}

/// Those of `page` that are of `partition`.
fn of_partition(page: &[RecordedEvent], partition: usize, partitions: u32) -> Cow<'_, [RecordedEvent]> {
    if partitions <= 1 {
        return Cow::Borrowed(page);
    }
    let is_of = |event: &&RecordedEvent| partition_of(event, partitions) as usize == partition;
    Cow::Owned(page.iter().filter(is_of).cloned().collect())
}

/// The part of `events` behind `after` and up to `to`.
fn between(events: &[RecordedEvent], after: Position, to: Position) -> &[RecordedEvent] {
    let first = events.partition_point(|event| event.position <= after);
    let end = events.partition_point(|event| event.position <= to);
    &events[first.min(end)..end]
}

impl Rebuild {
    /// Brings all partitions of the new generation to the end of the log, but not beyond `to`.
    pub(super) async fn catch_up(
        &self,
        building: &mut Building,
        to: Position,
        meter: &Meter,
    ) -> Result<(), ProjectorError> {
        let to = building.positions.iter().map(|position| to.max(*position)).collect::<Vec<_>>();
        self.catch_up_each(building, &to, meter).await
    }

    /// Brings each partition of the new generation to its position in `to`, or to the end of the log if that comes first.
    async fn catch_up_each(
        &self,
        building: &mut Building,
        to: &[Position],
        meter: &Meter,
    ) -> Result<(), ProjectorError> {
        let partitions = building.partitions();
        loop {
            let behind = building.positions.iter().zip(to).filter(|(position, to)| position < to);
            let Some((after, until)) = behind
                .map(|(position, to)| (*position, *to))
                .reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
            else {
                return Ok(());
            };
            let page = read_page(self.log.as_ref(), after, PAGE).await?;
            let end = match page.last() {
                Some(last) => last.position,
                // A log whose positions have gaps: nothing lies between here and there.
                None if until < Position::MAX && until <= self.log.head().await? => until,
                None => break,
            };
            for (partition, to) in to.iter().enumerate() {
                let position = building.positions[partition];
                let end = end.min(*to);
                if position >= end {
                    continue;
                }
                let events = of_partition(&page, partition, partitions);
                self.apply(&building.appliers[partition], position, between(&events, position, end), end).await?;
                building.positions[partition] = end;
            }
            meter.read(building.reached());
        }
        // The end of the log is the same for all partitions, whatever the last events were of.
        let last = building.last();
        for partition in 0..building.appliers.len() {
            if building.positions[partition] < last {
                self.apply(&building.appliers[partition], building.positions[partition], &[], last).await?;
                building.positions[partition] = last;
            }
        }
        Ok(())
    }

    /// Applies `events` of a partition, which is then at `end`.
    async fn apply(
        &self,
        applier: &Applier,
        after: Position,
        events: &[RecordedEvent],
        end: Position,
    ) -> Result<(), ProjectorError> {
        match applier.apply_upto(after, events, end).await? {
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

    /// Brings every partition of the live generation to `to`, whether a runner does the same at this moment or none runs.
    async fn catch_up_live(&self, building: &Building, to: Position) -> Result<Level, ProjectorError> {
        let (found, known) = (building.live_generation().version, building.projection().version());
        if found != known {
            return Ok(Level::Stuck(format!("version {found} of the projection wrote it, this is version {known}")));
        }
        for (partition, live) in building.live.iter().enumerate() {
            if let Level::Stuck(reason) = self.catch_up_partition(live, partition, building.partitions(), to).await? {
                return Ok(Level::Stuck(reason));
            }
        }
        Ok(Level::Reached)
    }

    async fn catch_up_partition(
        &self,
        live: &Applier,
        partition: usize,
        partitions: u32,
        to: Position,
    ) -> Result<Level, ProjectorError> {
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
            let end = page.last().map_or(to, |last| last.position);
            let events = of_partition(&page, partition, partitions);
            match live.apply_upto(position, &events, end).await? {
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
        let reason = self.declared_reason(building).await?;
        let report = |building: &Building, not_compared, tables| ProjectionReport {
            projection: building.name().to_owned(),
            generation: building.generation().generation,
            position: building.last(),
            not_compared,
            reason: reason.clone(),
            tables,
        };
        for _ in 0..TRIES {
            self.catch_up(building, Position::MAX, meter).await?;
            if let Some(problem) = contradiction(&building.live, &self.pool, self.log.as_ref()).await? {
                building.apart = true;
                return Ok(report(building, Some(format!("the live generation: {problem}")), Vec::new()));
            }
            if let Level::Stuck(problem) = self.catch_up_live(building, building.last()).await? {
                return Ok(report(building, Some(format!("the live generation: {problem}")), Vec::new()));
            }
            // From here on nobody writes the live generation, until both stand level and a snapshot of them is open.
            let mut pause = begin(&self.pool).await?;
            let live = lock_checkpoints(&mut pause, building.live_generation()).await?;
            if live.iter().zip(&building.positions).any(|(live, own)| live < own) {
                pause.rollback().await?;
                sleep(AGAIN).await;
                continue;
            }
            self.catch_up_each(building, &live, meter).await?;
            if live != building.positions {
                return Err(ProjectorError::NeverLevel(building.name().to_owned()));
            }
            let mut snapshot = open_snapshot(&self.pool).await?;
            pause.rollback().await?;
            let tables = compare::tables(
                &mut snapshot,
                &building.live_generation().schema,
                &building.generation().schema,
                building.projection().tables(),
            )
            .await?;
            snapshot.rollback().await?;
            return Ok(report(building, None, tables));
        }
        Err(ProjectorError::NeverLevel(building.name().to_owned()))
    }

    /// Why the new generation may well differ from the live one: somebody decided something since that was begun.
    async fn declared_reason(&self, building: &Building) -> Result<Option<String>, ProjectorError> {
        let (live, rebuilt) = (building.live_generation(), building.generation());
        let mut reasons = Vec::new();
        if live.version != rebuilt.version {
            reasons.push(format!(
                "version {} of the projection wrote the live generation, version {} the new one",
                live.version, rebuilt.version
            ));
        }
        let met = poison::skipped_by(&self.pool, live).await?;
        let skipped: Vec<String> = rebuilt
            .skipped
            .iter()
            .filter(|position| !live.skipped.contains(position) && !met.contains(position))
            .map(ToString::to_string)
            .collect();
        if !skipped.is_empty() {
            reasons.push(format!("an operator has skipped the event at position {} since", skipped.join(", ")));
        }
        Ok((!reasons.is_empty()).then(|| reasons.join("; ")))
    }
}

/// Locks the checkpoints of `generation` against flushes; the position of each partition.
pub(super) async fn lock_checkpoints(
    connection: &mut PgConnection,
    generation: &Generation,
) -> Result<Vec<Position>, ProjectorError> {
    let positions: Vec<i64> = sqlx::query_scalar(
        "SELECT position FROM souk_ops.projection_checkpoint WHERE projection = $1 AND generation = $2 \
         ORDER BY partition FOR UPDATE",
    )
    .bind(&generation.projection)
    .bind(generation.generation)
    .fetch_all(connection)
    .await?;
    if positions.is_empty() {
        return Err(ProjectorError::NoGeneration(generation.projection.clone()));
    }
    Ok(positions.into_iter().map(from_sql).collect())
}

/// A transaction that sees the database as it is now, for as long as it is open.
async fn open_snapshot(pool: &PgPool) -> Result<Transaction<'static, Postgres>, ProjectorError> {
    let mut snapshot = begin_with(pool, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    // The snapshot is taken by the first statement, not by BEGIN.
    sqlx::query("SELECT count(*) FROM souk_ops.projection_checkpoint").execute(&mut *snapshot).await?;
    Ok(snapshot)
}
