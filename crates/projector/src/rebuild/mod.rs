//! Blue/green rebuilds: a new generation is filled from the log while the old one serves, compared with it, and swapped in.

use std::{sync::Arc, time::Duration};

use souk_ports::{EventLog, Position};
use sqlx::{Connection, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::{Decoder, Generation, Projection, ProjectorError, generation::discard_unfinished};

mod compare;
mod level;
mod load;
mod meter;
mod report;
mod swap;

pub use meter::{Phase, RebuildProgress};
pub use report::{ColumnDifference, Difference, ProjectionReport, RebuildOutcome, TableReport};

use level::Building;
use meter::Meter;

/// Rebuilds read models from the log.
pub struct Rebuild {
    pool: PgPool,
    log: Arc<dyn EventLog>,
    decoder: Decoder,
    projections: Vec<Arc<dyn Projection>>,
}

/// What to rebuild, and how.
#[derive(Clone)]
pub struct RebuildOptions {
    /// Names of projections; all when empty.
    pub projections: Vec<String>,
    /// Whether a difference between the live and the new generation keeps the live one in place.
    pub verify: bool,
    /// As many events as one transaction takes while loading.
    pub batch: usize,
    /// Told several times a second how far it is.
    pub on_progress: Arc<dyn Fn(RebuildProgress) + Send + Sync>,
    /// Ends the rebuild; the new generation is dropped.
    pub cancel: CancellationToken,
}

impl Default for RebuildOptions {
    fn default() -> Self {
        Self {
            projections: Vec::new(),
            verify: false,
            batch: 20_000,
            on_progress: Arc::new(|_| {}),
            cancel: CancellationToken::new(),
        }
    }
}

impl Rebuild {
    /// Rebuilds of `projections`. `pool` needs two connections for each, and four more.
    #[must_use]
    pub fn new(pool: PgPool, log: Arc<dyn EventLog>, decoder: Decoder, projections: Vec<Arc<dyn Projection>>) -> Self {
        Self { pool, log, decoder, projections }
    }

    /// Rebuilds. Works while runners of any process follow the feed, and while none does.
    ///
    /// The two generations are always compared, at one position. Without `verify`, differences are only reported: a rebuild is
    /// the repair. With it, the new generation is dropped when there is any, or when they cannot be compared.
    ///
    /// # Errors
    /// See [`ProjectorError`]; the live generations are then as they were.
    pub async fn run(&self, options: RebuildOptions) -> Result<RebuildOutcome, ProjectorError> {
        let chosen = self.chosen(&options.projections)?;
        let locks = self.lock(&chosen).await?;
        let meter = Meter::start(&self.pool, &chosen, &options).await?;
        let mut buildings = Vec::new();
        let result = tokio::select! {
            () = options.cancel.cancelled() => Err(ProjectorError::Cancelled),
            result = self.build(&chosen, &mut buildings, &options, &meter) => result,
        };
        let outcome = match &result {
            Ok(outcome) if outcome.swapped => "swapped".to_owned(),
            Ok(_) => "differs".to_owned(),
            Err(error) => error.to_string(),
        };
        if !matches!(&result, Ok(outcome) if outcome.swapped) {
            for building in &buildings {
                if let Err(error) = building.generation().drop_schema(&self.pool).await {
                    tracing::warn!(schema = building.generation().schema, %error, "an unfinished generation stays until the next rebuild");
                }
            }
        }
        meter.end(&outcome).await;
        unlock(locks).await;
        result
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

    /// One rebuild of a projection at a time, whichever process runs it. The locks live as long as the connection.
    async fn lock(&self, chosen: &[Arc<dyn Projection>]) -> Result<PgConnection, ProjectorError> {
        let mut connection = self.pool.acquire().await?.detach();
        for projection in chosen {
            let locked: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtext('souk rebuild ' || $1))")
                .bind(projection.name())
                .fetch_one(&mut connection)
                .await?;
            if !locked {
                return Err(ProjectorError::AlreadyRebuilding(projection.name().to_owned()));
            }
        }
        Ok(connection)
    }

    async fn build(
        &self,
        chosen: &[Arc<dyn Projection>],
        buildings: &mut Vec<Building>,
        options: &RebuildOptions,
        meter: &Meter,
    ) -> Result<RebuildOutcome, ProjectorError> {
        for projection in chosen {
            discard_unfinished(&self.pool, projection.name()).await?;
            buildings.push(self.begin(projection).await?);
        }
        meter.head(self.log.head().await?);
        let reached = self.load(buildings, options.batch, meter).await?;
        for building in buildings.iter_mut() {
            building.position = reached;
        }

        meter.phase(Phase::Indexing);
        for building in buildings.iter() {
            building.generation().index(&self.pool, building.projection().as_ref()).await?;
        }

        meter.phase(Phase::CatchingUp);
        for building in buildings.iter_mut() {
            self.catch_up(building, Position::MAX, meter).await?;
        }

        meter.phase(Phase::Comparing);
        let mut reports = Vec::new();
        for building in buildings.iter_mut() {
            reports.push(self.compare_level(building, meter).await?);
        }
        let events = buildings.iter().map(|building| building.position).max().unwrap_or(0);
        let elapsed = meter.elapsed();
        if options.verify && reports.iter().any(|report| !report.is_equal()) {
            return Ok(RebuildOutcome { swapped: false, position: events, elapsed, reports });
        }

        meter.phase(Phase::Swapping);
        self.swap(buildings, meter).await?;
        meter.phase(Phase::Done);
        Ok(RebuildOutcome { swapped: true, position: events, elapsed: meter.elapsed(), reports })
    }

    /// The next generation of `projection`, empty, beside the live one.
    async fn begin(&self, projection: &Arc<dyn Projection>) -> Result<Building, ProjectorError> {
        let live = Generation::live(&self.pool, projection.name()).await?;
        let mut connection = self.pool.acquire().await?;
        let partitions: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM souk_ops.projection_checkpoint WHERE projection = $1 AND generation = $2",
        )
        .bind(&live.projection)
        .bind(live.generation)
        .fetch_one(&mut *connection)
        .await?;
        let partitions = i32::try_from(partitions).unwrap_or(1);
        let generation = Generation::create(&mut connection, projection.as_ref(), partitions, "building").await?;
        Building::new(&self.pool, Arc::clone(projection), live, generation).await
    }
}

/// The server notices the end of a connection a little later: who begins again at once must find the locks open.
async fn unlock(mut locks: PgConnection) {
    let _ = sqlx::query("SELECT pg_advisory_unlock_all()").execute(&mut locks).await;
    let _ = locks.close().await;
}

/// How long to wait before looking again whether two generations stand level.
const AGAIN: Duration = Duration::from_millis(50);
/// How often to look.
const TRIES: usize = 100;
