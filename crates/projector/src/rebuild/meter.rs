//! How far a rebuild is.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde::Serialize;
use souk_ports::Position;
use sqlx::{PgConnection, PgPool};
use tokio::time::{Instant, interval};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::RebuildOptions;
use crate::{Projection, ProjectorError, checkpoint::to_sql};

/// What a rebuild does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Reads and folds the log.
    Loading,
    /// Writes the rest, and creates indexes.
    Indexing,
    /// Compares the new generations with the live ones. The first ones are compared while others are still indexed.
    Comparing,
    /// Folds what came meanwhile.
    CatchingUp,
    /// Swaps the generations.
    Swapping,
    /// Is over.
    Done,
}

impl Phase {
    const ALL: [Self; 6] =
        [Self::Loading, Self::Indexing, Self::Comparing, Self::CatchingUp, Self::Swapping, Self::Done];

    /// As it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Indexing => "indexing",
            Self::Comparing => "comparing",
            Self::CatchingUp => "catching_up",
            Self::Swapping => "swapping",
            Self::Done => "done",
        }
    }
}

/// How far a rebuild is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RebuildProgress {
    /// What it does.
    pub phase: Phase,
    /// Which projections.
    pub projections: Vec<String>,
    /// Position of the last event that was read.
    pub read: Position,
    /// Position of the last event there is to read.
    pub head: Position,
    /// Events a second, over the last seconds; what an earlier, interrupted run read does not count.
    pub rate: f64,
    /// Time until all are read, at this rate.
    pub left: Option<Duration>,
}

/// A rate is that of these last seconds.
const WINDOW: Duration = Duration::from_secs(5);
/// How often the caller is told.
const TELL: Duration = Duration::from_millis(200);
/// The database is told every so many times.
const STORE: u32 = 5;

struct Figures {
    phase: AtomicU8,
    read: AtomicU64,
    head: AtomicU64,
    began: Instant,
    projections: Vec<String>,
    /// Where it was when, the oldest first.
    seen: Mutex<VecDeque<(Instant, Position)>>,
}

impl Figures {
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
    fn progress(&self) -> RebuildProgress {
        let read = self.read.load(Ordering::Relaxed);
        let head = self.head.load(Ordering::Relaxed).max(read);
        let phase = Phase::ALL[usize::from(self.phase.load(Ordering::Relaxed)).min(Phase::ALL.len() - 1)];
        let since = self.seen.lock().unwrap_or_else(PoisonError::into_inner).front().copied();
        let (then, from) = since.unwrap_or((self.began, read));
        let rate = read.saturating_sub(from) as f64 / then.elapsed().as_secs_f64().max(0.001);
        let left = (rate > 0.0).then(|| (head - read) as f64 / rate);
        let left = left.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        RebuildProgress { phase, projections: self.projections.clone(), read, head, rate, left }
    }

    /// Remembers where it is now, and forgets what is too long ago.
    fn sample(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push_back((Instant::now(), self.read.load(Ordering::Relaxed)));
        while seen.len() > 2 && seen[1].0.elapsed() >= WINDOW {
            seen.pop_front();
        }
    }
}

/// Counts, and tells the caller and the database.
pub(super) struct Meter {
    figures: Arc<Figures>,
    pool: PgPool,
    id: i64,
    told: Arc<dyn Fn(RebuildProgress) + Send + Sync>,
    cancelled: CancellationToken,
    _stop: DropGuard,
}

impl Meter {
    /// Begins to count. Runs that never said how they ended are over: the caller holds the locks of all of `chosen`.
    pub async fn start(
        pool: &PgPool,
        chosen: &[Arc<dyn Projection>],
        options: &RebuildOptions,
    ) -> Result<Self, ProjectorError> {
        let projections: Vec<String> = chosen.iter().map(|projection| projection.name().to_owned()).collect();
        let mut tx = souk_transaction::begin(pool).await?;
        sqlx::query(
            "UPDATE souk_ops.projection_rebuild SET ended_at = now(), outcome = 'did not end' \
             WHERE ended_at IS NULL AND projections && $1",
        )
        .bind(&projections)
        .execute(&mut *tx)
        .await?;
        let id = sqlx::query_scalar(
            "INSERT INTO souk_ops.projection_rebuild (projections, phase, verify, served) \
             VALUES ($1, 'loading', $2, $3) RETURNING id",
        )
        .bind(&projections)
        .bind(options.verify)
        .bind(options.served)
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        let figures = Arc::new(Figures {
            phase: AtomicU8::new(0),
            read: AtomicU64::new(0),
            head: AtomicU64::new(0),
            began: Instant::now(),
            projections,
            seen: Mutex::default(),
        });
        let (stop, cancelled) = (CancellationToken::new(), CancellationToken::new());
        let telling = Telling {
            pool: pool.clone(),
            id,
            figures: Arc::clone(&figures),
            told: Arc::clone(&options.on_progress),
            cancelled: cancelled.clone(),
        };
        tokio::spawn(telling.run(stop.clone()));
        let told = Arc::clone(&options.on_progress);
        Ok(Self { figures, pool: pool.clone(), id, told, cancelled, _stop: stop.drop_guard() })
    }

    /// Returns once an operator of any process wants the rebuild to end.
    pub async fn cancelled(&self) {
        self.cancelled.cancelled().await;
    }

    pub fn phase(&self, phase: Phase) {
        self.figures.phase.store(phase as u8, Ordering::Relaxed);
        (self.told)(self.figures.progress());
    }

    /// Reading begins behind `position`: what an earlier run read is no merit of this one.
    pub fn begin(&self, position: Position, head: Position) {
        self.figures.read.store(position, Ordering::Relaxed);
        self.figures.head.store(head, Ordering::Relaxed);
        self.figures.sample();
    }

    pub fn read(&self, position: Position) {
        self.figures.read.fetch_max(position, Ordering::Relaxed);
    }

    pub fn elapsed(&self) -> Duration {
        self.figures.began.elapsed()
    }

    /// Records in the transaction of the swap that there is nothing left to do.
    pub async fn swapped(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.finish("swapped", connection).await
    }

    /// Records how it ended. Failing to do so is no failure of the rebuild.
    pub async fn end(self, outcome: &str) {
        store(&self.pool, self.id, &self.figures.progress()).await;
        let ended = match self.pool.acquire().await {
            Ok(mut connection) => self.finish(outcome, &mut connection).await,
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            tracing::warn!(%error, "the end of a rebuild could not be recorded");
        }
    }

    async fn finish(&self, outcome: &str, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::query(
            "UPDATE souk_ops.projection_rebuild SET ended_at = now(), updated_at = now(), outcome = $2 WHERE id = $1",
        )
        .bind(self.id)
        .bind(outcome)
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// Tells the caller five times a second, and the database once; hears from it whether to end.
struct Telling {
    pool: PgPool,
    id: i64,
    figures: Arc<Figures>,
    told: Arc<dyn Fn(RebuildProgress) + Send + Sync>,
    cancelled: CancellationToken,
}

impl Telling {
    async fn run(self, stop: CancellationToken) {
        let mut ticks = interval(TELL);
        let mut count = 0_u32;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            self.figures.sample();
            let progress = self.figures.progress();
            if count.is_multiple_of(STORE) && store(&self.pool, self.id, &progress).await {
                self.cancelled.cancel();
            }
            count = count.wrapping_add(1);
            (self.told)(progress);
        }
    }
}

/// Whether an operator wants the rebuild to end.
async fn store(pool: &PgPool, id: i64, progress: &RebuildProgress) -> bool {
    let stored = sqlx::query_scalar(
        "UPDATE souk_ops.projection_rebuild SET phase = $2, read = $3, head = $4, rate = $5, updated_at = now() \
         WHERE id = $1 RETURNING cancelled",
    )
    .bind(id)
    .bind(progress.phase.as_str())
    .bind(to_sql(progress.read))
    .bind(to_sql(progress.head))
    .bind(progress.rate)
    .fetch_optional(pool)
    .await;
    stored
        .inspect_err(|error| tracing::warn!(%error, "the progress of a rebuild could not be recorded"))
        .ok()
        .flatten()
        .unwrap_or(false)
}
