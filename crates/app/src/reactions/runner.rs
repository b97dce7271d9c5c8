//! Runs reactions: one task each, elected by a lease.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt, future::try_join_all};
use souk_ports::{
    EventFeed, EventLog, FeedError, LogError, Position, RecordedEvent,
    store::{Parked, Progress, ReactionStore, StoreError},
};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Reaction, all, answer};
use crate::{App, AppError};

/// How long a lease holds without being renewed.
const LEASE: Duration = Duration::from_secs(10);
/// How often it is renewed, and asked for while another process has it.
const RENEW: Duration = Duration::from_secs(3);
/// How often the position is stored. What a crash forgets is answered again, which changes nothing; a transaction for each
/// event would cost the machine more than the events themselves.
const STORE: Duration = Duration::from_secs(1);
/// The first and the longest wait before another try.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));
/// Tries of one event before it is parked.
const ATTEMPTS: u32 = 3;

/// Where a reaction stands in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The reaction; with `/` and the partition behind it where the feed has several.
    pub name: String,
    /// Whether this process runs it, and no other.
    pub leading: bool,
    /// The last position that this process is done with; 0 while it never led.
    pub position: Position,
    /// How many events this process parked.
    pub parked: u64,
    /// What it waits for, while something does not answer.
    pub waiting: Option<String>,
}

/// The running reactions of this process.
pub struct ReactionRunner {
    tasks: JoinSet<()>,
    statuses: Vec<Arc<Shared>>,
}

impl std::fmt::Debug for ReactionRunner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReactionRunner").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl ReactionRunner {
    /// Starts every reaction in a task of its own, until `cancel`. Any number of processes may: a lease elects one a reaction,
    /// known by `holder`. A process that takes the place of one that is certainly gone gives its `holder` again, and need
    /// not wait until the lease runs out.
    #[must_use]
    pub fn spawn(
        app: Arc<App>,
        feed: Arc<dyn EventFeed>,
        store: Arc<dyn ReactionStore>,
        holder: Uuid,
        cancel: CancellationToken,
    ) -> Self {
        let (mut tasks, mut statuses) = (JoinSet::new(), Vec::new());
        let partitions = feed.partitions();
        for reaction in all() {
            for partition in 0..partitions {
                let name = match partitions {
                    1 => reaction.name().to_owned(),
                    _ => format!("{}/{partition}", reaction.name()),
                };
                let shared = Arc::new(Shared::new(name));
                statuses.push(Arc::clone(&shared));
                let task = Task {
                    app: Arc::clone(&app),
                    feed: Arc::clone(&feed),
                    store: Arc::clone(&store),
                    reaction: Arc::clone(&reaction),
                    partition,
                    holder,
                    cancel: cancel.clone(),
                    shared,
                };
                tasks.spawn(async move { task.run().await });
            }
        }
        Self { tasks, statuses }
    }

    /// Where each reaction stands.
    #[must_use]
    pub fn status(&self) -> Vec<Status> {
        self.statuses.iter().map(|shared| shared.status()).collect()
    }

    /// A reader of [`ReactionRunner::status`] that outlives the runner, for metrics.
    #[must_use]
    pub fn observer(&self) -> Arc<dyn Fn() -> Vec<Status> + Send + Sync> {
        let statuses = self.statuses.clone();
        Arc::new(move || statuses.iter().map(|shared| shared.status()).collect())
    }

    /// Waits until all have ended, after `cancel`. What is under way is finished first.
    pub async fn join(mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a reaction ended badly");
            }
        }
    }
}

/// What a task and its observers share.
struct Shared {
    status: Mutex<Status>,
    /// What is done, stored or not.
    done: Mutex<Progress>,
    /// The last position that the store has.
    stored: AtomicU64,
}

impl Shared {
    fn new(name: String) -> Self {
        let status = Status { name, leading: false, position: 0, parked: 0, waiting: None };
        Self { status: Mutex::new(status), done: Mutex::default(), stored: AtomicU64::new(0) }
    }

    fn change(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn status(&self) -> Status {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner).clone();
        status.position = self.done().position;
        status
    }

    fn done(&self) -> Progress {
        *self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_done(&self, done: Progress) {
        *self.done.lock().unwrap_or_else(PoisonError::into_inner) = done;
    }

    fn name(&self) -> String {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).name.clone()
    }
}

/// Why a task stops leading.
enum Stop {
    /// Souk shuts down.
    Cancelled,
    /// Another process leads.
    LeaseLost,
    /// The feed ended; subscribe again.
    Feed(FeedError),
    /// The store does not answer.
    Store(StoreError),
    /// This is not the log whose events were answered; says why.
    OtherLog(String),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<FeedError> for Stop {
    fn from(error: FeedError) -> Self {
        Self::Feed(error)
    }
}

/// Why `log` is not the one that a reaction came this far in. A backup of it that was restored ends earlier, or goes on with other
/// events; following it from here would pass over those without a word.
///
/// # Errors
/// The log does not answer.
pub async fn contradiction(log: &dyn EventLog, progress: Progress) -> Result<Option<String>, LogError> {
    let Progress { position, last } = progress;
    let head = log.head().await?;
    if position > head {
        return Ok(Some(format!(
            "checkpoint_ahead: the checkpoint is at position {position}, but the log ends at {head}: a backup was restored"
        )));
    }
    let Some((at, event)) = last else { return Ok(None) };
    let found = log.read_at(&[at]).await?.first().map(|event| event.id);
    if found == Some(event) {
        return Ok(None);
    }
    let found = found.map_or_else(|| "none".to_owned(), |id| id.to_string());
    Ok(Some(format!(
        "other_log: event {event} was seen at position {at}, where the log has {found}: a backup was restored"
    )))
}

struct Task {
    app: Arc<App>,
    feed: Arc<dyn EventFeed>,
    store: Arc<dyn ReactionStore>,
    reaction: Arc<dyn Reaction>,
    partition: u32,
    holder: Uuid,
    cancel: CancellationToken,
    shared: Arc<Shared>,
}

impl Task {
    async fn run(self) {
        let name = self.shared.name();
        while !self.cancel.is_cancelled() {
            match self.store.lease(&name, self.holder, LEASE).await {
                Ok(true) => self.lead_while_leased(&name).await,
                Ok(false) => self.wait(RENEW).await,
                Err(error) => {
                    self.waits_for(Some(error.to_string()));
                    self.wait(RENEW).await;
                }
            }
        }
        // The store may be gone at the end; the lease runs out by itself then.
        let _ = self.store.unlease(&name, self.holder).await;
    }

    async fn lead_while_leased(&self, name: &str) {
        self.shared.change(|status| status.leading = true);
        tracing::debug!(reaction = name, "leading");
        // Losing the lease drops what is under way, as a crash would.
        let stop = tokio::select! {
            stop = self.lead(name) => stop,
            stop = self.keep_lease(name) => stop,
        };
        self.shared.change(|status| status.leading = false);
        let why = match stop {
            Stop::Cancelled => return,
            Stop::LeaseLost => "another process took over".to_owned(),
            Stop::Feed(error) => error.to_string(),
            Stop::Store(error) => error.to_string(),
            Stop::OtherLog(why) => {
                tracing::error!(reaction = name, why, "a reaction does not go on with this log");
                self.waits_for(Some(why));
                return self.wait(RENEW).await;
            }
        };
        tracing::warn!(reaction = name, why, "stopped leading");
        self.waits_for(Some(why));
        self.wait(BACKOFF.0).await;
    }

    /// Renews the lease, and stores the position.
    async fn keep_lease(&self, name: &str) -> Stop {
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(STORE).await;
            if renewed.elapsed() >= RENEW {
                match self.store.lease(name, self.holder, LEASE).await {
                    Ok(true) => renewed = Instant::now(),
                    Ok(false) => return Stop::LeaseLost,
                    Err(error) if renewed.elapsed() >= LEASE => return error.into(),
                    Err(_) => continue,
                }
            }
            if let Err(stop) = self.store_progress(name).await {
                return stop;
            }
        }
    }

    async fn store_progress(&self, name: &str) -> Result<(), Stop> {
        let done = self.shared.done();
        if done.position <= self.shared.stored.load(Ordering::Acquire) {
            return Ok(());
        }
        if !self.store.advance(name, self.holder, done).await? {
            return Err(Stop::LeaseLost);
        }
        self.shared.stored.fetch_max(done.position, Ordering::AcqRel);
        Ok(())
    }

    async fn lead(&self, name: &str) -> Stop {
        match self.follow(name).await {
            Ok(never) => match never {},
            Err(stop) => {
                // Not for a lease that is lost, which the store notices by itself.
                let _ = self.store_progress(name).await;
                stop
            }
        }
    }

    async fn follow(&self, name: &str) -> Result<std::convert::Infallible, Stop> {
        let start = self.store.checkpoint(name, 0).await?;
        self.shared.set_done(start);
        self.shared.stored.store(start.position, Ordering::Release);
        let contradiction = contradiction(&*self.app.ports.log, start).await.map_err(FeedError::Log)?;
        if let Some(why) = contradiction {
            return Err(Stop::OtherLog(why));
        }
        let mut batches = self.feed.subscribe(self.partition, start.position).await?;
        self.waits_for(None);
        loop {
            let batch = tokio::select! {
                batch = batches.next() => batch?,
                () = self.cancel.cancelled() => return Err(Stop::Cancelled),
            };
            let done = self.shared.done();
            let concerns = |recorded: &&RecordedEvent| {
                recorded.position > done.position
                    && self.reaction.handles(&recorded.event_type)
                    && self.reaction.concerns(recorded)
            };
            let wanted: Vec<_> = batch.events.iter().filter(concerns).collect();
            for group in wanted.chunks(self.reaction.at_once()) {
                try_join_all(group.iter().map(|recorded| self.handle(name, recorded))).await?;
                if let Some(last) = group.last() {
                    self.shared.set_done(Progress { position: last.position, last: Some((last.position, last.id)) });
                }
            }
            // What concerns nobody is stored like the rest, once a second.
            if batch.upto > done.position {
                let last = batch.events.last().map(|last| (last.position, last.id)).or(done.last);
                self.shared.set_done(Progress { position: batch.upto, last });
            }
        }
    }

    /// Answers one event, however long the log is away; parks it when that cannot work.
    async fn handle(&self, name: &str, recorded: &RecordedEvent) -> Result<(), Stop> {
        self.come_of_age(recorded).await?;
        let (mut attempts, mut pause) = (0, BACKOFF.0);
        loop {
            // A panic is that event's fault, and must not stop the others.
            let answered = AssertUnwindSafe(answer(&self.app, &*self.reaction, recorded)).catch_unwind().await;
            let error = match answered {
                Ok(Ok(())) => {
                    self.waits_for(None);
                    return Ok(());
                }
                Ok(Err(error)) => error,
                Err(_) => AppError::Internal("the reaction panicked".to_owned()),
            };
            if !error.is_transient() {
                attempts += 1;
            }
            if attempts >= ATTEMPTS {
                return self.park(name, recorded, &error, attempts).await;
            }
            self.waits_for(Some(error.to_string()));
            self.wait(pause).await;
            if self.cancel.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            pause = (pause * 2).min(BACKOFF.1);
        }
    }

    async fn come_of_age(&self, recorded: &RecordedEvent) -> Result<(), Stop> {
        let delay = self.reaction.delay(&self.app);
        loop {
            let age = (self.app.ports.clock.now() - recorded.recorded_at).to_std().unwrap_or_default();
            let Some(left) = delay.checked_sub(age).filter(|left| !left.is_zero()) else { return Ok(()) };
            self.wait(left.min(Duration::from_secs(1))).await;
            if self.cancel.is_cancelled() {
                return Err(Stop::Cancelled);
            }
        }
    }

    async fn park(&self, name: &str, recorded: &RecordedEvent, error: &AppError, attempts: u32) -> Result<(), Stop> {
        tracing::error!(reaction = name, position = recorded.position, %error, "parked an event");
        let parked = Parked {
            reaction: name.to_owned(),
            position: recorded.position,
            event: recorded.id,
            reason: error.to_string(),
            attempts,
        };
        self.store.park(parked).await?;
        self.shared.change(|status| status.parked += 1);
        self.waits_for(None);
        Ok(())
    }

    fn waits_for(&self, what: Option<String>) {
        self.shared.change(|status| status.waiting = what);
    }

    async fn wait(&self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.cancel.cancelled() => {}
        }
    }
}
