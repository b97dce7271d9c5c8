//! Blue/green rebuilds: a new generation is filled from the log while the old one serves, compared with it, and swapped in.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use souk_ports::{EventLog, Position};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::{Generation, Projection, ProjectorError, generation::RebuildLock, poison};

mod cancel;
mod compare;
mod fill;
mod level;
mod load;
mod meter;
mod report;
mod swap;

pub use cancel::{Interrupted, cancel, interrupted};
pub use compare::{Sum, sums};
pub use meter::{Phase, RebuildProgress};
pub use report::{ColumnDifference, Difference, ProjectionReport, RebuildOutcome, TableReport};

use level::Building;
use meter::Meter;

/// Rebuilds read models from the log.
pub struct Rebuild {
    pool: PgPool,
    log: Arc<dyn EventLog>,
    projections: Vec<Arc<dyn Projection>>,
}

/// A moment after which an interrupted rebuild goes on from somewhere else than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Milestone {
    /// Everything up to this position is written for this projection.
    Written {
        /// The projection.
        projection: String,
        /// Where its checkpoint is.
        position: Position,
    },
    /// All is ready to be swapped but the commit.
    Swapping,
}

/// What to rebuild, and how.
#[derive(Clone)]
pub struct RebuildOptions {
    /// Names of projections; all when empty.
    pub projections: Vec<String>,
    /// Whether a difference for which there is no declared reason keeps the live generation in place.
    pub verify: bool,
    /// As many events as one transaction takes at most while loading.
    pub batch: usize,
    /// Bytes that changes take in memory at most, over all projections.
    pub memory: usize,
    /// Told several times a second how far it is.
    pub on_progress: Arc<dyn Fn(RebuildProgress) + Send + Sync>,
    /// Told, and waited for, whenever something was written that a later run can go on with, and right before the swap is
    /// committed.
    pub on_milestone: Arc<dyn Fn(Milestone) -> BoxFuture<'static, ()> + Send + Sync>,
    /// Whether a serving process goes on with it when this one ends before it does.
    pub served: bool,
    /// Ends the rebuild; the new generation is dropped.
    pub cancel: CancellationToken,
    /// Ends the rebuild; the new generation stays, and the next rebuild goes on with it.
    pub interrupt: CancellationToken,
}

impl Default for RebuildOptions {
    fn default() -> Self {
        Self {
            projections: Vec::new(),
            verify: false,
            batch: usize::MAX,
            memory: 448 << 20,
            on_progress: Arc::new(|_| {}),
            on_milestone: Arc::new(|_| Box::pin(async {})),
            served: false,
            cancel: CancellationToken::new(),
            interrupt: CancellationToken::new(),
        }
    }
}

impl Rebuild {
    /// Rebuilds of `projections`. `pool` needs two connections for each, and four more.
    #[must_use]
    pub fn new(pool: PgPool, log: Arc<dyn EventLog>, projections: Vec<Arc<dyn Projection>>) -> Self {
        Self { pool, log, projections }
    }

    /// Rebuilds. Works while runners of any process follow the feed, and while none does. A rebuild that was interrupted is
    /// continued, when the same version of the projection began it with the same events left out.
    ///
    /// The two generations are always compared, at one position. Without `verify`, differences are only reported: a rebuild is
    /// the repair. With it, the new generation is dropped when there is any, or when they cannot be compared, unless the report
    /// gives a declared reason.
    ///
    /// # Errors
    /// See [`ProjectorError`]; the live generations are then as they were.
    pub async fn run(&self, options: RebuildOptions) -> Result<RebuildOutcome, ProjectorError> {
        let chosen = self.chosen(&options.projections)?;
        let lock = self.lock(&chosen).await?;
        let meter = Meter::start(&self.pool, &chosen, &options).await?;
        let result = tokio::select! {
            () = options.cancel.cancelled() => Err(ProjectorError::Cancelled),
            () = meter.cancelled() => Err(ProjectorError::Cancelled),
            () = options.interrupt.cancelled() => Err(ProjectorError::Interrupted),
            result = self.build(&chosen, &options, &meter) => result,
        };
        if let Err(ProjectorError::Poisoned { projection, position, error, .. }) = &result {
            self.record_poison(projection, *position, error).await;
        }
        // What a later run can go on with is kept.
        let resumable =
            matches!(&result, Err(error) if matches!(error, ProjectorError::Interrupted) || error.is_transient());
        if !resumable && !matches!(&result, Ok(outcome) if outcome.swapped) {
            for projection in &chosen {
                if let Err(error) = self.discard(projection.name()).await {
                    tracing::warn!(projection = projection.name(), %error, "an unfinished generation stays for now");
                }
            }
        }
        let outcome = match &result {
            Ok(outcome) if outcome.swapped => "swapped".to_owned(),
            Ok(_) => "differs".to_owned(),
            Err(error) => error.to_string(),
        };
        if !(resumable && options.served) {
            meter.end(&outcome).await;
        }
        lock.release().await;
        result
    }

    /// Drops the generations of `projection` that are unfinished. The caller holds the lock.
    async fn discard(&self, projection: &str) -> Result<(), ProjectorError> {
        while let Some(generation) = Generation::unfinished(&self.pool, projection).await? {
            generation.discard(&self.pool).await?;
        }
        Ok(())
    }

    /// For an operator to decide. That it could not be recorded is less than what is reported already.
    async fn record_poison(&self, projection: &str, position: Position, problem: &str) {
        let recorded = async {
            let generation = Generation::unfinished(&self.pool, projection).await?;
            let event = self.log.read_at(&[position]).await?;
            if let (Some(generation), Some(event)) = (generation, event.first()) {
                poison::record_of_rebuild(&self.pool, &generation, event, problem).await?;
            }
            Ok::<_, ProjectorError>(())
        };
        if let Err(error) = recorded.await {
            tracing::warn!(projection, position, %error, "an event that a rebuild cannot take could not be recorded");
        }
    }

    fn chosen(&self, names: &[String]) -> Result<Vec<Arc<dyn Projection>>, ProjectorError> {
        if names.is_empty() {
            return Ok(self.projections.clone());
        }
        if let Some(unknown) =
            names.iter().find(|name| self.projections.iter().all(|known| known.name() != name.as_str()))
        {
            return Err(ProjectorError::UnknownProjection(unknown.clone()));
        }
        let wanted = |projection: &&Arc<dyn Projection>| names.iter().any(|name| name == projection.name());
        Ok(self.projections.iter().filter(wanted).cloned().collect())
    }

    /// One rebuild of a projection at a time, whichever process runs it.
    async fn lock(&self, chosen: &[Arc<dyn Projection>]) -> Result<RebuildLock, ProjectorError> {
        let mut lock = RebuildLock::open(&self.pool).await?;
        for projection in chosen {
            if !lock.take(projection.name()).await? {
                lock.release().await;
                return Err(ProjectorError::AlreadyRebuilding(projection.name().to_owned()));
            }
        }
        Ok(lock)
    }

    async fn build(
        &self,
        chosen: &[Arc<dyn Projection>],
        options: &RebuildOptions,
        meter: &Meter,
    ) -> Result<RebuildOutcome, ProjectorError> {
        let mut buildings = Vec::new();
        for projection in chosen {
            buildings.push(self.begin(projection).await?);
        }
        let from = buildings.iter().map(Building::reached).min().unwrap_or(0);
        meter.begin(from, self.log.head().await?);
        let reports = self.load(&mut buildings, options, meter).await?;
        let position = buildings.iter().map(Building::last).max().unwrap_or(0);
        if options.verify && !reports.iter().all(ProjectionReport::is_expected) {
            return Ok(RebuildOutcome { swapped: false, position, elapsed: meter.elapsed(), reports });
        }

        self.swap(&mut buildings, options, meter).await?;
        meter.phase(Phase::Done);
        Ok(RebuildOutcome { swapped: true, position, elapsed: meter.elapsed(), reports })
    }

    /// The next generation of `projection` beside the live one: the one that an interrupted rebuild left, as far as it is, or
    /// an empty one.
    async fn begin(&self, projection: &Arc<dyn Projection>) -> Result<Building, ProjectorError> {
        let live = Generation::live(&self.pool, projection.name()).await?;
        poison::forget_of_rebuilds(&self.pool, &live).await?;
        let skipped = poison::skipped(&self.pool, projection.name()).await?;
        let partitions = self.partitions(&live).await?;
        if let Some(found) = Generation::unfinished(&self.pool, projection.name()).await? {
            found.take_over(&self.pool).await?;
            let same = found.version == projection.version() && found.skipped == skipped;
            if same && self.partitions(&found).await? == partitions {
                let building =
                    Building::new(&self.pool, Arc::clone(projection), live.clone(), found, partitions).await?;
                match building.contradiction(&self.pool, self.log.as_ref()).await? {
                    None => {
                        let (projection, position) = (projection.name(), building.reached());
                        tracing::info!(projection, position, "going on with a rebuild that was interrupted");
                        return Ok(building);
                    }
                    Some(problem) => tracing::warn!(projection = projection.name(), problem, "a rebuild begins anew"),
                }
            }
            self.discard(projection.name()).await?;
        }
        let mut tx = souk_transaction::begin(&self.pool).await?;
        let count = i32::try_from(partitions).unwrap_or(i32::MAX);
        let generation = Generation::create(&mut tx, projection.as_ref(), count, "building", &skipped).await?;
        tx.commit().await?;
        Building::new(&self.pool, Arc::clone(projection), live, generation, partitions).await
    }

    /// How many partitions of a feed `generation` follows.
    async fn partitions(&self, generation: &Generation) -> Result<usize, ProjectorError> {
        let partitions = generation.partitions(&self.pool).await?;
        Ok(usize::try_from(partitions).unwrap_or(0).max(1))
    }
}

/// How long to wait before looking again whether two generations stand level.
const AGAIN: Duration = Duration::from_millis(50);
/// How often to look.
const TRIES: usize = 100;
