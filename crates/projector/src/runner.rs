//! Follows the feed: one task a projection and partition, so that one that fails or is stopped holds up no other.

use std::{sync::Arc, time::Duration};

use souk_ports::{EventFeed, FeedError, Position, RecordedEvent};
use sqlx::PgPool;
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Decoder, Generation, Projection, ProjectorError,
    apply::{Applied, Applier},
    checkpoint::Checkpoint,
    generation::housekeeping,
    poison,
};

/// How a runner works.
#[derive(Clone, Debug)]
pub struct RunnerOptions {
    /// As many events as one transaction takes at most.
    pub max_batch: usize,
    /// How often an idle or stopped projection looks whether it was replaced, or released by an operator.
    pub look: Duration,
    /// The longest pause between two tries while the database or the feed is away.
    pub max_backoff: Duration,
    /// How long the tables of a replaced generation are kept.
    pub grace: Duration,
    /// Told whenever a checkpoint moves.
    pub wake: Wake,
}

impl Default for RunnerOptions {
    fn default() -> Self {
        Self {
            max_batch: 2_000,
            look: Duration::from_millis(250),
            max_backoff: Duration::from_secs(5),
            grace: Duration::from_secs(60),
            wake: Wake::default(),
        }
    }
}

/// Tells a [`crate::Reader`] in the same process that a checkpoint moved, so that it looks at once.
#[derive(Clone, Debug, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    fn moved(&self) {
        self.0.notify_one();
    }

    pub(crate) async fn notified(&self) {
        self.0.notified().await;
    }
}

/// Keeps the live generations up to date. Any number of processes may run one: checkpoints decide who writes.
pub struct Runner {
    pool: PgPool,
    feed: Arc<dyn EventFeed>,
    decoder: Decoder,
    projections: Vec<Arc<dyn Projection>>,
    options: RunnerOptions,
}

impl Runner {
    /// A runner of `projections`. `pool` needs a connection for each projection and partition, and one more.
    #[must_use]
    pub fn new(
        pool: PgPool,
        feed: Arc<dyn EventFeed>,
        decoder: Decoder,
        projections: Vec<Arc<dyn Projection>>,
        options: RunnerOptions,
    ) -> Self {
        Self { pool, feed, decoder, projections, options }
    }

    /// For [`crate::ReaderOptions::wake`].
    #[must_use]
    pub fn wake(&self) -> Wake {
        self.options.wake.clone()
    }

    /// Runs until `cancel`; what was begun is finished first.
    pub async fn run(self, cancel: CancellationToken) {
        let mut tasks = JoinSet::new();
        for projection in &self.projections {
            for partition in 0..self.feed.partitions() {
                let follower = Follower {
                    pool: self.pool.clone(),
                    feed: Arc::clone(&self.feed),
                    decoder: self.decoder.clone(),
                    projection: Arc::clone(projection),
                    partition,
                    options: self.options.clone(),
                    wake: self.options.wake.clone(),
                };
                tasks.spawn(follower.run(cancel.clone()));
            }
        }
        let (pool, options) = (self.pool.clone(), self.options.clone());
        tasks.spawn(async move {
            while !rest(&cancel, options.grace.clamp(options.look, Duration::from_secs(10))).await {
                if let Err(error) = housekeeping(&pool, options.grace).await {
                    tracing::warn!(%error, "replaced generations could not be looked for");
                }
            }
        });
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a projection's task ended in a panic");
            }
        }
    }
}

/// Waits; true when `cancel` came first.
async fn rest(cancel: &CancellationToken, pause: Duration) -> bool {
    tokio::select! {
        () = cancel.cancelled() => true,
        () = sleep(pause) => false,
    }
}

/// Follows one partition for one projection.
struct Follower {
    pool: PgPool,
    feed: Arc<dyn EventFeed>,
    decoder: Decoder,
    projection: Arc<dyn Projection>,
    partition: u32,
    options: RunnerOptions,
    wake: Wake,
}

type Batches = mpsc::Receiver<Result<Vec<RecordedEvent>, FeedError>>;

/// Why a follower stopped following.
enum Ended {
    /// It was cancelled.
    Cancelled,
    /// There is another generation, or another decision: begin anew.
    Changed,
    /// Nothing can be done until somebody decides.
    Stopped,
}

impl Follower {
    async fn run(self, cancel: CancellationToken) {
        let name = self.projection.name();
        let mut pause = self.options.look;
        loop {
            let began = Instant::now();
            let wait = match self.follow(&cancel).await {
                Ok(Ended::Cancelled) => return,
                Ok(Ended::Changed) => Duration::ZERO,
                Ok(Ended::Stopped) => self.options.look,
                Err(error) => {
                    // A try that went well for a while starts the pauses from the beginning.
                    pause = if began.elapsed() > pause * 4 { self.options.look } else { pause * 2 };
                    pause = pause.min(self.options.max_backoff);
                    if error.is_transient() {
                        tracing::warn!(projection = name, %error, "a projection pauses and tries again");
                    } else {
                        tracing::error!(projection = name, %error, "a projection cannot go on and tries again");
                    }
                    pause
                }
            };
            if rest(&cancel, wait).await {
                return;
            }
        }
    }

    /// Follows the live generation for as long as it is the live one.
    async fn follow(&self, cancel: &CancellationToken) -> Result<Ended, ProjectorError> {
        let name = self.projection.name();
        let generation = Generation::live(&self.pool, name).await?;
        if generation.version != self.projection.version() {
            return Ok(Ended::Stopped);
        }
        let partition = i32::try_from(self.partition).unwrap_or(i32::MAX);
        if poison::is_stopped(&self.pool, &generation, partition).await? {
            return Ok(Ended::Stopped);
        }
        let applier = Applier {
            pool: self.pool.clone(),
            projection: Arc::clone(&self.projection),
            checkpoint: Checkpoint { generation, partition },
            live: true,
            skipped: poison::skipped(&self.pool, name).await?,
        };
        let Some((mut position, _)) = applier.checkpoint.read(&self.pool).await? else {
            return Err(ProjectorError::NoGeneration(name.to_owned()));
        };
        let (_pump, mut batches) = self.read_ahead(position).await?;
        let mut retried = true;
        let mut look_at = Instant::now() + self.options.look;
        loop {
            let batch = tokio::select! {
                () = cancel.cancelled() => return Ok(Ended::Cancelled),
                batch = batches.recv() => batch,
                () = sleep_until(look_at) => {
                    look_at = Instant::now() + self.options.look;
                    match applier.checkpoint.read(&self.pool).await? {
                        Some((_, true)) => continue,
                        _ => return Ok(Ended::Changed),
                    }
                }
            };
            let Some(batch) = batch else { return Ok(Ended::Changed) };
            let mut events = batch?;
            // What came meanwhile goes along: batches grow with the load, and nothing waits for a batch to fill.
            while events.len() < self.options.max_batch {
                match batches.try_recv() {
                    Ok(more) => events.extend(more?),
                    Err(_) => break,
                }
            }
            for chunk in events.chunks(self.options.max_batch.max(1)) {
                match self.write(&applier, &mut position, chunk).await? {
                    Some(ended) => return Ok(ended),
                    None => look_at = Instant::now() + self.options.look,
                }
            }
            if std::mem::take(&mut retried) {
                poison::forget_retried(&self.pool, name, partition, position).await?;
            }
        }
    }

    /// The feed's batches behind `position`, read while others are being written. Reading ends with the set that is returned.
    async fn read_ahead(&self, position: Position) -> Result<(JoinSet<()>, Batches), ProjectorError> {
        let mut feed = self.feed.subscribe(self.partition, position).await?;
        let (sender, batches) = mpsc::channel(4);
        let mut pump = JoinSet::new();
        pump.spawn(async move {
            loop {
                let batch = feed.next().await;
                let failed = batch.is_err();
                if sender.send(batch).await.is_err() || failed {
                    return;
                }
            }
        });
        Ok((pump, batches))
    }

    /// Writes the part of `events` that is behind `position`, whoever does it; says when to begin anew.
    async fn write(
        &self,
        applier: &Applier,
        position: &mut Position,
        events: &[RecordedEvent],
    ) -> Result<Option<Ended>, ProjectorError> {
        loop {
            let fresh = &events[events.partition_point(|event| event.position <= *position)..];
            let Some(last) = fresh.last() else { return Ok(None) };
            match applier.apply(&self.decoder, *position, fresh).await? {
                Applied::Done => {
                    *position = last.position;
                    self.wake.moved();
                    return Ok(None);
                }
                Applied::Lost => match applier.checkpoint.read(&self.pool).await? {
                    // Another process was faster; whatever it left is still to be done.
                    Some((reached, true)) if reached > *position => *position = reached,
                    _ => return Ok(Some(Ended::Changed)),
                },
                Applied::Poison(event, problem) => {
                    tracing::error!(
                        projection = self.projection.name(),
                        position = event.position,
                        event = %event.id,
                        event_type = event.event_type,
                        problem,
                        "an event stops a projection until an operator retries or skips it"
                    );
                    poison::record(&self.pool, applier.generation(), applier.checkpoint.partition, &event, &problem)
                        .await?;
                    self.wake.moved();
                    return Ok(Some(Ended::Stopped));
                }
            }
        }
    }
}
