//! Follows the feed: one task a projection and partition, so that one that fails or is stopped holds up no other.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use souk_ports::{EventFeed, EventLog};
use sqlx::PgPool;
use tokio::{sync::watch, task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    Projection,
    follower::Follower,
    generation::{discard_abandoned, housekeeping},
    joint::Joint,
    memo::Memo,
    watermark::Watermarks,
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
    /// How long what an interrupted rebuild left is kept for who might go on with it.
    pub abandoned: Duration,
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
            abandoned: Duration::from_secs(3600),
            wake: Wake::default(),
        }
    }
}

/// Tells whoever reads in the same process that a checkpoint moved, so that they look at once.
#[derive(Clone, Debug, Default)]
pub struct Wake(Arc<Moves>);

#[derive(Debug)]
struct Moves {
    any: watch::Sender<u64>,
    of: Mutex<BTreeMap<String, watch::Sender<u64>>>,
}

impl Default for Moves {
    fn default() -> Self {
        Self { any: watch::Sender::new(0), of: Mutex::default() }
    }
}

impl Wake {
    pub(crate) fn moved(&self, projection: &str) {
        self.0.any.send_modify(|moves| *moves += 1);
        if let Some(of) = self.of().get(projection) {
            of.send_modify(|moves| *moves += 1);
        }
    }

    pub(crate) fn all_moved(&self) {
        self.0.any.send_modify(|moves| *moves += 1);
        self.of().values().for_each(|of| of.send_modify(|moves| *moves += 1));
    }

    /// Changes whenever a checkpoint of any projection moves.
    pub(crate) fn any(&self) -> watch::Receiver<u64> {
        self.0.any.subscribe()
    }

    /// Changes whenever a checkpoint of `projection` moves.
    #[must_use]
    pub fn on(&self, projection: &str) -> watch::Receiver<u64> {
        self.of().entry(projection.to_owned()).or_insert_with(|| watch::Sender::new(0)).subscribe()
    }

    fn of(&self) -> MutexGuard<'_, BTreeMap<String, watch::Sender<u64>>> {
        self.0.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the live generations up to date. Any number of processes may run one: checkpoints decide who writes.
pub struct Runner {
    pool: PgPool,
    feed: Arc<dyn EventFeed>,
    log: Arc<dyn EventLog>,
    projections: Vec<Arc<dyn Projection>>,
    options: RunnerOptions,
}

impl Runner {
    /// A runner of `projections`. `pool` is best with a connection for each projection and assigned partition, and three
    /// more; with fewer, they take turns, but for one that is kept. `feed` is the one of `log`, which is asked whether it still holds what was applied.
    #[must_use]
    pub fn new(
        pool: PgPool,
        feed: Arc<dyn EventFeed>,
        log: Arc<dyn EventLog>,
        projections: Vec<Arc<dyn Projection>>,
        options: RunnerOptions,
    ) -> Self {
        Self { pool, feed, log, projections, options }
    }

    /// For [`crate::ReaderOptions::wake`].
    #[must_use]
    pub fn wake(&self) -> Wake {
        self.options.wake.clone()
    }

    /// Follows the partitions that the feed assigns, as they change, until `cancel`; what was begun is finished first.
    pub async fn run(self, cancel: CancellationToken) {
        let mut tasks = JoinSet::new();
        let watermarks = Arc::new(Watermarks::new(self.options.wake.clone()));
        self.spawn_upkeep(&mut tasks, &watermarks, &cancel);
        let (joint, writing) = Joint::new(self.pool.clone());
        tasks.spawn(writing);
        let memo = Arc::new(Memo::new());
        let mut assigned = self.feed.assigned();
        let mut following: BTreeMap<u32, CancellationToken> = BTreeMap::new();
        while !cancel.is_cancelled() {
            let wanted = assigned.borrow_and_update().clone();
            following.retain(|partition, stop| {
                let stays = wanted.contains(partition);
                if !stays {
                    stop.cancel();
                }
                stays
            });
            for partition in wanted {
                following.entry(partition).or_insert_with(|| {
                    let stop = cancel.child_token();
                    self.spawn_followers(&mut tasks, partition, &watermarks, &joint, &memo, &stop);
                    stop
                });
            }
            tracing::debug!(partitions = ?following.keys(), "following");
            loop {
                tokio::select! {
                    () = cancel.cancelled() => break,
                    Ok(()) = assigned.changed() => break,
                    Some(ended) = tasks.join_next() => complain(ended),
                }
            }
        }
        // What writes for the followers ends when the last of them has.
        drop(joint);
        while let Some(ended) = tasks.join_next().await {
            complain(ended);
        }
    }

    fn spawn_followers(
        &self,
        tasks: &mut JoinSet<()>,
        partition: u32,
        watermarks: &Arc<Watermarks>,
        joint: &Joint,
        memo: &Arc<Memo>,
        stop: &CancellationToken,
    ) {
        for projection in &self.projections {
            let follower = Follower {
                pool: self.pool.clone(),
                feed: Arc::clone(&self.feed),
                log: Arc::clone(&self.log),
                projection: Arc::clone(projection),
                partition,
                options: self.options.clone(),
                watermarks: Arc::clone(watermarks),
                joint: joint.clone(),
                memo: Arc::clone(memo),
            };
            tasks.spawn(follower.run(stop.clone()));
        }
    }

    fn spawn_upkeep(&self, tasks: &mut JoinSet<()>, watermarks: &Arc<Watermarks>, cancel: &CancellationToken) {
        let (pool, watermarks, stop) = (self.pool.clone(), Arc::clone(watermarks), cancel.clone());
        tasks.spawn(async move { watermarks.run(&pool, &stop).await });
        let (pool, options, stop) = (self.pool.clone(), self.options.clone(), cancel.clone());
        tasks.spawn(async move {
            while !rest(&stop, options.grace.clamp(options.look, Duration::from_secs(10))).await {
                let dropped = async {
                    housekeeping(&pool, options.grace).await?;
                    discard_abandoned(&pool, options.abandoned).await
                };
                if let Err(error) = dropped.await {
                    tracing::warn!(%error, "generations that are not needed any more could not be looked for");
                }
            }
        });
    }
}

fn complain(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a projection's task ended in a panic");
    }
}

/// Waits; true when `cancel` came first.
pub(crate) async fn rest(cancel: &CancellationToken, pause: Duration) -> bool {
    tokio::select! {
        () = cancel.cancelled() => true,
        () = sleep(pause) => false,
    }
}
