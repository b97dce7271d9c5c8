//! Follows one partition of the feed for one projection.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use souk_ports::{EventFeed, EventLog, FeedBatch, FeedError, Position, RecordedEvent};
use sqlx::PgPool;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Generation, Projection, ProjectorError, RunnerOptions,
    apply::{Applied, Applier},
    checkpoint::Checkpoint,
    joint::Joint,
    memo::Memo,
    pace::Pace,
    poison,
    runner::rest,
    watermark::Watermarks,
};

/// Follows one partition for one projection.
pub(crate) struct Follower {
    pub pool: PgPool,
    pub feed: Arc<dyn EventFeed>,
    pub log: Arc<dyn EventLog>,
    pub projection: Arc<dyn Projection>,
    pub partition: u32,
    pub options: RunnerOptions,
    pub watermarks: Arc<Watermarks>,
    pub joint: Joint,
    pub memo: Arc<Memo>,
}

type Batches = mpsc::Receiver<Result<FeedBatch, FeedError>>;

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
    pub async fn run(self, cancel: CancellationToken) {
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
        let Some(applier) = self.applier().await? else { return Ok(Ended::Stopped) };
        let Some((start, _)) = applier.checkpoint.read(&self.pool).await? else {
            return Err(self.no_checkpoint().await);
        };
        if !self.agrees(&applier).await? {
            return Ok(Ended::Stopped);
        }
        let mut place = Place { position: start, upto: start, moved: Arc::new(AtomicU64::new(start)) };
        let (_pump, mut batches) = self.read_ahead(start).await?;
        let mut retried = true;
        let mut look_at = Instant::now() + self.options.look;
        let mut pace = Pace::new(Instant::now());
        loop {
            let batch = tokio::select! {
                () = cancel.cancelled() => return Ok(Ended::Cancelled),
                batch = batches.recv() => batch,
                () = sleep_until(look_at) => {
                    look_at = Instant::now() + self.options.look;
                    match applier.checkpoint.read(&self.pool).await? {
                        Some((reached, true)) => place.position = place.position.max(reached),
                        _ => return Ok(Ended::Changed),
                    }
                    self.move_idle(&applier, &place);
                    continue;
                }
            };
            let Some(batch) = batch else { return Ok(Ended::Changed) };
            let mut batch = batch?;
            self.gather(&mut batch, &mut batches, pace.next()).await?;
            place.upto = place.upto.max(batch.upto);
            if batch.events.is_empty() {
                self.move_idle(&applier, &place);
                continue;
            }
            pace.begin(batch.events.len(), Instant::now());
            let mut chunks = batch.events.chunks(self.options.max_batch.max(1)).peekable();
            while let Some(chunk) = chunks.next() {
                // Behind the last event there may be a stretch without any.
                let end = chunk.last().map_or(place.position, |last| last.position);
                let upto = if chunks.peek().is_some() { end } else { end.max(batch.upto) };
                match self.write(&applier, &mut place, chunk, upto).await? {
                    Some(ended) => return Ok(ended),
                    None => look_at = Instant::now() + self.options.look,
                }
            }
            if std::mem::take(&mut retried) {
                let partition = applier.checkpoint.partition;
                poison::forget_retried(&self.pool, self.projection.name(), partition, place.position).await?;
            }
        }
    }

    /// Adds what came meanwhile to `batch`: batches grow with the load. Waits for more until `until` at most, where that is not
    /// yet over.
    async fn gather(&self, batch: &mut FeedBatch, batches: &mut Batches, until: Instant) -> Result<(), FeedError> {
        while batch.events.len() < self.options.max_batch {
            match timeout_at(until, batches.recv()).await {
                Ok(Some(more)) => batch.append(more?),
                Ok(None) | Err(_) => break,
            }
        }
        Ok(())
    }

    /// What writes the live generation; none while nobody may.
    async fn applier(&self) -> Result<Option<Applier>, ProjectorError> {
        let name = self.projection.name();
        let generation = Generation::live(&self.pool, name).await?;
        let partition = i32::try_from(self.partition).unwrap_or(i32::MAX);
        if generation.version != self.projection.version()
            || poison::is_stopped(&self.pool, &generation, partition).await?
        {
            return Ok(None);
        }
        Ok(Some(Applier {
            pool: self.pool.clone(),
            projection: Arc::clone(&self.projection),
            checkpoint: Checkpoint { generation, partition },
            live: true,
            partitions: Some(self.feed.partitions()),
            skipped: poison::skipped(&self.pool, name).await?,
            joint: cfg!(not(feature = "faulty-checkpoint")).then(|| self.joint.clone()),
            memo: Some(Arc::clone(&self.memo)),
        }))
    }

    /// Whether the log still holds what was applied, and the generation has as many partitions as the feed. Going on otherwise
    /// would pass over events, or apply them twice.
    async fn agrees(&self, applier: &Applier) -> Result<bool, ProjectorError> {
        let generation = applier.generation();
        let (known, given) = (generation.partitions(&self.pool).await?, self.feed.partitions());
        let trouble = if known == i64::from(given) {
            applier.checkpoint.contradiction(&self.pool, self.log.as_ref()).await?
        } else {
            Some(format!(
                "wrong_partition_count: the read model was written from {known} partitions, the feed has {given}: \
                 `souk migrate` converts it once all its checkpoints stand at one position"
            ))
        };
        if applier.checkpoint.set_trouble(&self.pool, trouble.as_deref()).await?
            && let Some(trouble) = &trouble
        {
            tracing::error!(
                projection = generation.projection,
                partition = self.partition,
                trouble,
                "a projection stops"
            );
        }
        Ok(trouble.is_none())
    }

    /// There is a live generation, but not this partition of it.
    async fn no_checkpoint(&self) -> ProjectorError {
        let projection = self.projection.name().to_owned();
        let known = match Generation::live(&self.pool, &projection).await {
            Ok(generation) => generation.partitions(&self.pool).await,
            Err(error) => return error,
        };
        match known {
            Ok(known) => ProjectorError::WrongPartitions { projection, known, given: self.feed.partitions() },
            Err(error) => error.into(),
        }
    }

    /// Asks for the checkpoint to follow where nothing happened.
    fn move_idle(&self, applier: &Applier, place: &Place) {
        let position = place.reached();
        if place.upto > position {
            self.watermarks.ask(&applier.checkpoint, position, place.upto, &place.moved);
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

    /// Writes the part of `events` that is not written yet, whoever does it, up to `upto`; says when to begin anew.
    async fn write(
        &self,
        applier: &Applier,
        place: &mut Place,
        events: &[RecordedEvent],
        upto: Position,
    ) -> Result<Option<Ended>, ProjectorError> {
        loop {
            place.position = place.reached();
            let fresh = &events[events.partition_point(|event| event.position <= place.position)..];
            if fresh.is_empty() {
                return Ok(None);
            }
            match applier.apply_upto(place.position, fresh, upto).await? {
                Applied::Done => {
                    place.position = upto;
                    self.options.wake.moved(self.projection.name());
                    return Ok(None);
                }
                Applied::Lost => match applier.checkpoint.read(&self.pool).await? {
                    // Another process was faster; whatever it left is still to be done.
                    Some((reached, true)) if reached > place.position => place.position = reached,
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
                    self.options.wake.moved(self.projection.name());
                    return Ok(Some(Ended::Stopped));
                }
            }
        }
    }
}

/// Where a follower is.
struct Place {
    /// Up to here the read model is written, as far as the follower knows.
    position: Position,
    /// Up to here the feed has handed out everything.
    upto: Position,
    /// Where the checkpoint was moved without an event.
    moved: Arc<AtomicU64>,
}

impl Place {
    fn reached(&self) -> Position {
        self.position.max(self.moved.load(Ordering::Acquire))
    }
}
