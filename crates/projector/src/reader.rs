//! Reading: connections that see one generation of each projection, at a position or behind it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use souk_ports::Position;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{
    sync::{Mutex, Notify, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{Projection, ProjectorError, Wake, checkpoint::from_sql};

/// How often checkpoints are looked at while somebody waits for one.
const WATCHFUL: Duration = Duration::from_millis(5);
/// How often they are looked at otherwise, to notice new generations.
const IDLE: Duration = Duration::from_millis(250);

/// How a reader works.
#[derive(Clone, Debug)]
pub struct ReaderOptions {
    /// Connections of the pool that serves queries.
    pub max_connections: u32,
    /// How long the pool of replaced generations still serves requests that began with it.
    pub grace: Duration,
    /// How long one statement may take.
    pub statement_timeout: Duration,
    /// The runner's, when it runs in the same process.
    pub wake: Option<Wake>,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        Self {
            max_connections: 16,
            grace: Duration::from_secs(30),
            statement_timeout: Duration::from_secs(10),
            wake: None,
        }
    }
}

/// A read model that did not get to a position in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read model `{projection}` is at position {reached}, {wanted} was wanted")]
pub struct Behind {
    /// The read model.
    pub projection: String,
    /// Where it is.
    pub reached: Position,
    /// Where it should have been.
    pub wanted: Position,
}

/// Why nothing can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The wanted position was not reached in time.
    #[error(transparent)]
    Behind(#[from] Behind),
    /// The reader does not serve this projection.
    #[error("there is no read model `{0}`")]
    Unknown(String),
    /// The reader was closed.
    #[error("the reader is closed")]
    Closed,
}

/// What the reader knows: the live generations, how far they are, and the pool that sees them.
struct Snapshot {
    pool: PgPool,
    live: BTreeMap<String, Live>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Live {
    schema: String,
    position: Position,
}

/// Connections of one request: all of them see the same generation of each projection.
#[derive(Clone)]
pub struct ReadGuard {
    snapshot: Arc<Snapshot>,
}

impl ReadGuard {
    /// The connections. Table names need no schema.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.snapshot.pool
    }

    /// The schema that holds the tables of `projection`.
    #[must_use]
    pub fn schema(&self, projection: &str) -> Option<&str> {
        self.snapshot.live.get(projection).map(|live| live.schema.as_str())
    }

    /// The position up to which `projection` is at least.
    #[must_use]
    pub fn position(&self, projection: &str) -> Option<Position> {
        self.snapshot.live.get(projection).map(|live| live.position)
    }
}

/// Sees when other generations go live, or checkpoints move.
pub struct Sight(watch::Receiver<Arc<Snapshot>>);

impl Sight {
    /// Connections over what is live now.
    pub fn guard(&mut self) -> ReadGuard {
        ReadGuard { snapshot: Arc::clone(&self.0.borrow_and_update()) }
    }

    /// Waits until [`Self::guard`] gives another. False when the reader is closed.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}

/// Sees generations before they go live.
pub struct Foresight(Arc<Watcher>);

impl Foresight {
    /// Connections over the generation of `projection` that a rebuild has filled and is about to swap in, if there is one.
    ///
    /// # Errors
    /// The database failed.
    pub async fn next(&self, projection: &str) -> Result<Option<ReadGuard>, sqlx::Error> {
        let filled: Option<String> = sqlx::query_scalar(
            "SELECT g.schema_name FROM souk_ops.projection_generation g \
             WHERE g.projection = $1 AND g.state = 'building' AND g.indexed AND EXISTS (\
             SELECT FROM souk_ops.projection_rebuild r WHERE r.ended_at IS NULL AND g.projection = ANY (r.projections)) \
             ORDER BY g.generation DESC LIMIT 1",
        )
        .bind(projection)
        .fetch_optional(&self.0.control)
        .await?;
        Ok(filled.map(|schema| {
            let live = BTreeMap::from([(projection.to_owned(), Live { schema, position: 0 })]);
            ReadGuard { snapshot: Arc::new(Snapshot { pool: self.0.open(&live), live }) }
        }))
    }
}

/// Hands out [`ReadGuard`]s. One task looks at the checkpoints for all who wait.
pub struct Reader {
    current: watch::Receiver<Arc<Snapshot>>,
    wake: Option<Wake>,
    watcher: Arc<Watcher>,
    waiting: Arc<Waiting>,
    cancel: CancellationToken,
    _stop: DropGuard,
    watching: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Waiting {
    count: AtomicUsize,
    came: Notify,
}

impl Reader {
    /// Starts reading `projections`, which must have live generations.
    ///
    /// # Errors
    /// The database failed, or a projection has no live generation.
    pub async fn start(
        connect: PgConnectOptions,
        projections: &[Arc<dyn Projection>],
        options: ReaderOptions,
    ) -> Result<Self, ProjectorError> {
        let names: Vec<String> = projections.iter().map(|projection| projection.name().to_owned()).collect();
        let control = PgPoolOptions::new()
            .max_connections(1)
            // The pauses between tries to connect grow to a fifth of this: a server that is back is noticed soon.
            .acquire_timeout(Duration::from_secs(2))
            .connect_lazy_with(connect.clone());
        let wake = options.wake.clone();
        let woken = wake.as_ref().map(Wake::any);
        let watcher = Arc::new(Watcher { control, connect, names, options });
        let live = watcher.look().await?;
        if let Some(missing) = watcher.names.iter().find(|name| !live.contains_key(*name)) {
            return Err(ProjectorError::NoGeneration(missing.clone()));
        }
        let pool = watcher.open(&live);
        let (sender, current) = watch::channel(Arc::new(Snapshot { pool, live }));
        let stop = CancellationToken::new();
        let waiting = Arc::new(Waiting::default());
        let watching = tokio::spawn(Arc::clone(&watcher).run(sender, Arc::clone(&waiting), woken, stop.clone()));
        Ok(Self {
            current,
            wake,
            watcher,
            waiting,
            cancel: stop.clone(),
            _stop: stop.drop_guard(),
            watching: Mutex::new(Some(watching)),
        })
    }

    /// Closes all connections, once the requests that use them are over.
    pub async fn close(&self) {
        self.cancel.cancel();
        if let Some(watching) = self.watching.lock().await.take() {
            let _ = watching.await;
        }
    }

    /// What is live, for those who follow it.
    #[must_use]
    pub fn sight(&self) -> Sight {
        Sight(self.current.clone())
    }

    /// What will be live, for those who prepare for it.
    #[must_use]
    pub fn foresight(&self) -> Foresight {
        Foresight(Arc::clone(&self.watcher))
    }

    /// The runner's wake, when it runs in the same process.
    #[must_use]
    pub fn wake(&self) -> Option<&Wake> {
        self.wake.as_ref()
    }

    /// Connections for one request over `projections`, once all of them have reached `min_position`; waits at most `patience`.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn at(
        &self,
        projections: &[&str],
        min_position: Option<Position>,
        patience: Duration,
    ) -> Result<ReadGuard, ReadError> {
        let wanted = min_position.unwrap_or(0);
        let mut current = self.current.clone();
        let first = Arc::clone(&current.borrow_and_update());
        if behind(&first, projections, wanted)?.is_none() {
            return Ok(ReadGuard { snapshot: first });
        }
        let _waiting = self.waiting.enter();
        let reached = timeout(patience, async {
            loop {
                if current.changed().await.is_err() {
                    return Err(ReadError::Closed);
                }
                let snapshot = Arc::clone(&current.borrow_and_update());
                if behind(&snapshot, projections, wanted)?.is_none() {
                    return Ok(ReadGuard { snapshot });
                }
            }
        })
        .await;
        match reached {
            Ok(reached) => reached,
            Err(_) => {
                let last = Arc::clone(&self.current.borrow());
                match behind(&last, projections, wanted)? {
                    Some(behind) => Err(behind.into()),
                    None => Ok(ReadGuard { snapshot: last }),
                }
            }
        }
    }
}

/// The first of `projections` that has not reached `wanted`.
fn behind(snapshot: &Snapshot, projections: &[&str], wanted: Position) -> Result<Option<Behind>, ReadError> {
    for name in projections {
        let live = snapshot.live.get(*name).ok_or_else(|| ReadError::Unknown((*name).to_owned()))?;
        if live.position < wanted {
            return Ok(Some(Behind { projection: (*name).to_owned(), reached: live.position, wanted }));
        }
    }
    Ok(None)
}

impl Waiting {
    fn enter(self: &Arc<Self>) -> WaitingGuard {
        if self.count.fetch_add(1, Ordering::SeqCst) == 0 {
            self.came.notify_one();
        }
        WaitingGuard(Arc::clone(self))
    }
}

struct WaitingGuard(Arc<Waiting>);

impl Drop for WaitingGuard {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Nobody waits: until somebody does, or it is time to look for new generations. Somebody waits: until a checkpoint moved
/// in this process, or may have moved in another.
async fn pause(waiting: &Waiting, woken: Option<&mut watch::Receiver<u64>>) {
    if waiting.count.load(Ordering::SeqCst) == 0 {
        let _ = timeout(IDLE, waiting.came.notified()).await;
    } else if let Some(woken) = woken {
        let _ = timeout(WATCHFUL, woken.changed()).await;
    } else {
        sleep(WATCHFUL).await;
    }
}

/// Looks at the checkpoints.
struct Watcher {
    control: PgPool,
    connect: PgConnectOptions,
    names: Vec<String>,
    options: ReaderOptions,
}

impl Watcher {
    async fn run(
        self: Arc<Self>,
        sender: watch::Sender<Arc<Snapshot>>,
        waiting: Arc<Waiting>,
        mut woken: Option<watch::Receiver<u64>>,
        stop: CancellationToken,
    ) {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = pause(&waiting, woken.as_mut()) => {}
            }
            match self.look().await {
                Ok(live) => self.publish(&sender, live),
                Err(error) => {
                    tracing::warn!(%error, "checkpoints could not be read");
                    sleep(IDLE).await;
                }
            }
        }
        let pool = sender.borrow().pool.clone();
        pool.close().await;
        self.control.close().await;
    }

    async fn look(&self) -> Result<BTreeMap<String, Live>, sqlx::Error> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT g.projection, g.schema_name, min(c.position) FROM souk_ops.projection_generation g \
             JOIN souk_ops.projection_checkpoint c ON c.projection = g.projection AND c.generation = g.generation \
             WHERE g.state = 'live' AND g.projection = ANY($1) GROUP BY 1, 2",
        )
        .bind(&self.names)
        .fetch_all(&self.control)
        .await?;
        let live = |(name, schema, position)| (name, Live { schema, position: from_sql(position) });
        Ok(rows.into_iter().map(live).collect())
    }

    fn publish(&self, sender: &watch::Sender<Arc<Snapshot>>, live: BTreeMap<String, Live>) {
        let before = Arc::clone(&sender.borrow());
        if live == before.live {
            return;
        }
        let schemas = |live: &BTreeMap<String, Live>| live.values().map(|live| live.schema.clone()).collect::<Vec<_>>();
        let pool = if schemas(&live) == schemas(&before.live) {
            before.pool.clone()
        } else {
            tracing::info!(schemas = ?schemas(&live), "reading from other generations");
            let (old, grace) = (before.pool.clone(), self.options.grace);
            tokio::spawn(async move {
                sleep(grace).await;
                old.close().await;
            });
            self.open(&live)
        };
        sender.send_replace(Arc::new(Snapshot { pool, live }));
    }

    /// A pool whose connections find the tables of exactly these generations.
    fn open(&self, live: &BTreeMap<String, Live>) -> PgPool {
        let path = live.values().map(|live| live.schema.as_str()).collect::<Vec<_>>().join(",");
        let statement_timeout = format!("{}ms", self.options.statement_timeout.as_millis());
        let connect = self.connect.clone().options([
            ("search_path", path.as_str()),
            ("statement_timeout", statement_timeout.as_str()),
            ("default_transaction_read_only", "on"),
            // Compiling a query takes longer than running any of these.
            ("jit", "off"),
        ]);
        PgPoolOptions::new()
            .max_connections(self.options.max_connections)
            .acquire_timeout(Duration::from_secs(5))
            // A ping before every query would double the round trips; a broken connection shows in the query itself.
            .test_before_acquire(false)
            .connect_lazy_with(connect)
    }
}
