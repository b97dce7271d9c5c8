//! How far a rebuild is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde::Serialize;
use souk_ports::Position;
use sqlx::PgPool;
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
    /// Creates indexes.
    Indexing,
    /// Folds what came meanwhile.
    CatchingUp,
    /// Compares the new generation with the live one.
    Comparing,
    /// Swaps the generations.
    Swapping,
    /// Is over.
    Done,
}

impl Phase {
    const ALL: [Self; 6] =
        [Self::Loading, Self::Indexing, Self::CatchingUp, Self::Comparing, Self::Swapping, Self::Done];

    /// As it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Indexing => "indexing",
            Self::CatchingUp => "catching_up",
            Self::Comparing => "comparing",
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
    /// Events a second, on average.
    pub rate: f64,
    /// Time until all are read, at this rate.
    pub left: Option<Duration>,
}

struct Figures {
    phase: AtomicU8,
    read: AtomicU64,
    head: AtomicU64,
    began: Instant,
    projections: Vec<String>,
}

impl Figures {
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
    fn progress(&self) -> RebuildProgress {
        let read = self.read.load(Ordering::Relaxed);
        let head = self.head.load(Ordering::Relaxed).max(read);
        let rate = read as f64 / self.began.elapsed().as_secs_f64().max(0.001);
        let left = (rate > 0.0).then(|| Duration::from_secs_f64((head - read) as f64 / rate));
        let phase = Phase::ALL[usize::from(self.phase.load(Ordering::Relaxed)).min(Phase::ALL.len() - 1)];
        RebuildProgress { phase, projections: self.projections.clone(), read, head, rate, left }
    }
}

/// Counts, and tells the caller and the database.
pub(super) struct Meter {
    figures: Arc<Figures>,
    pool: PgPool,
    id: i64,
    told: Arc<dyn Fn(RebuildProgress) + Send + Sync>,
    _stop: DropGuard,
}

impl Meter {
    pub async fn start(
        pool: &PgPool,
        chosen: &[Arc<dyn Projection>],
        options: &RebuildOptions,
    ) -> Result<Self, ProjectorError> {
        let projections: Vec<String> = chosen.iter().map(|projection| projection.name().to_owned()).collect();
        let id = sqlx::query_scalar(
            "INSERT INTO souk_ops.projection_rebuild (projections, phase) VALUES ($1, 'loading') RETURNING id",
        )
        .bind(&projections)
        .fetch_one(pool)
        .await?;
        let figures = Arc::new(Figures {
            phase: AtomicU8::new(0),
            read: AtomicU64::new(0),
            head: AtomicU64::new(0),
            began: Instant::now(),
            projections,
        });
        let stop = CancellationToken::new();
        tokio::spawn(tell(pool.clone(), id, Arc::clone(&figures), Arc::clone(&options.on_progress), stop.clone()));
        Ok(Self { figures, pool: pool.clone(), id, told: Arc::clone(&options.on_progress), _stop: stop.drop_guard() })
    }

    pub fn phase(&self, phase: Phase) {
        self.figures.phase.store(phase as u8, Ordering::Relaxed);
        (self.told)(self.figures.progress());
    }

    pub fn read(&self, position: Position) {
        self.figures.read.fetch_max(position, Ordering::Relaxed);
    }

    pub fn head(&self, position: Position) {
        self.figures.head.fetch_max(position, Ordering::Relaxed);
    }

    pub fn elapsed(&self) -> Duration {
        self.figures.began.elapsed()
    }

    /// Records how it ended. Failing to do so is no failure of the rebuild.
    pub async fn end(self, outcome: &str) {
        store(&self.pool, self.id, &self.figures.progress()).await;
        let ended = sqlx::query(
            "UPDATE souk_ops.projection_rebuild SET ended_at = now(), updated_at = now(), outcome = $2 WHERE id = $1",
        )
        .bind(self.id)
        .bind(outcome)
        .execute(&self.pool)
        .await;
        if let Err(error) = ended {
            tracing::warn!(%error, "the end of a rebuild could not be recorded");
        }
    }
}

/// Tells the caller five times a second, and the database once.
async fn tell(
    pool: PgPool,
    id: i64,
    figures: Arc<Figures>,
    told: Arc<dyn Fn(RebuildProgress) + Send + Sync>,
    stop: CancellationToken,
) {
    let mut ticks = interval(Duration::from_millis(200));
    let mut count = 0_u32;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let progress = figures.progress();
        if count.is_multiple_of(5) {
            store(&pool, id, &progress).await;
        }
        count = count.wrapping_add(1);
        told(progress);
    }
}

async fn store(pool: &PgPool, id: i64, progress: &RebuildProgress) {
    let stored = sqlx::query(
        "UPDATE souk_ops.projection_rebuild SET phase = $2, read = $3, head = $4, updated_at = now() WHERE id = $1",
    )
    .bind(id)
    .bind(progress.phase.as_str())
    .bind(to_sql(progress.read))
    .bind(to_sql(progress.head))
    .execute(pool)
    .await;
    if let Err(error) = stored {
        tracing::warn!(%error, "the progress of a rebuild could not be recorded");
    }
}
