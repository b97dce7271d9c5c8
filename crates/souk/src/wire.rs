//! The only place that chooses adapters.

use std::{path::Path, sync::Arc, time::Duration};

use souk_api::{Api, Metrics, Parts, RateLimit, RateLimits, ReadModels};
use souk_app::{App, Ports, reactions::ReactionRunner};
use souk_artifacts::LocalArtifacts;
use souk_auth::{Argon2Passwords, Keys, Tokens};
use souk_feed_log::LogFeed;
use souk_log_postgres::PostgresLog;
use souk_ports::{
    ArtifactStore, Clock, EventFeed, EventLog, Random, Vault,
    store::{Idempotency, ReactionStore, StoreError, WrappedKeys},
};
use souk_projections::Directories;
use souk_projector::{
    Decoder, Projection, ProjectionStatus, ProjectorError, Reader, ReaderOptions, Rebuild, Runner, RunnerOptions, Wake,
};
use souk_store_postgres::PostgresStore;
use souk_vault::SealingVault;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    config::{Config, Switch},
    control::Control,
    database::Database,
    failure::Failure,
    kek,
    system::{SystemClock, SystemRandom},
};

/// Connections for the log's reads, the stores and the projectors.
const POOL: u32 = 24;
/// How long a use case waits for what a read model suggests.
const PATIENCE: Duration = Duration::from_secs(2);
/// The feed straight from the log has one partition.
const PARTITIONS: u32 = 1;
/// How long the answer to a request with an `Idempotency-Key` can be asked for again.
const ANSWERS_KEPT: Duration = Duration::from_secs(48 * 3600);
/// How often what has had its time is forgotten.
const UPKEEP: Duration = Duration::from_secs(3600);
/// Password hashes computed at once; each takes 19 MiB.
const HASHES_AT_ONCE: usize = 4;

/// The read models, as they are written.
#[derive(Clone)]
pub struct Models {
    pool: PgPool,
    log: Arc<dyn EventLog>,
    decoder: Decoder,
    projections: Vec<Arc<dyn Projection>>,
}

impl Models {
    /// Connections to the database.
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Where each read model stands.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn statuses(&self) -> Result<Vec<ProjectionStatus>, ProjectorError> {
        souk_projector::status(&self.pool, self.log.as_ref(), &self.projections).await
    }

    /// What rebuilds them.
    pub fn rebuild(&self) -> Rebuild {
        Rebuild::new(self.pool.clone(), Arc::clone(&self.log), self.decoder.clone(), self.projections.clone())
    }

    fn runner(&self, feed: Arc<dyn EventFeed>, wake: Wake) -> Runner {
        let options = RunnerOptions { wake, ..RunnerOptions::default() };
        let log = Arc::clone(&self.log);
        Runner::new(self.pool.clone(), feed, log, self.decoder.clone(), self.projections.clone(), options)
    }
}

/// A Souk whose adapters are chosen, doing nothing by itself yet.
pub struct Souk {
    database: Database,
    wired: Wired,
}

/// Brings durable tables, functions and read-model schemas up to date.
///
/// # Errors
/// The database cannot be reached or migrated.
pub async fn migrate(pool: &PgPool) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(error).during("migrating the database");
    souk_log_postgres::migrate(pool).await.map_err(|error| failed(&error))?;
    souk_projector::migrate(pool, &souk_projections::all(), PARTITIONS).await.map_err(|error| failed(&error))
}

fn make_folder(data_dir: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(data_dir)
        .map_err(|error| Failure::new(format!("the data directory {}: {error}", data_dir.display())))
}

impl Souk {
    /// Opens the database, migrates it and wires everything to it.
    ///
    /// # Errors
    /// The database or the keys cannot be had.
    pub async fn open(config: &Config) -> Result<Self, Failure> {
        if config.database_url.is_none() {
            make_folder(&config.data_dir)?;
        }
        let database = Database::open(config).await?;
        match Self::wire(config, &database).await {
            Ok(wired) => Ok(Self { database, wired }),
            Err(failure) => {
                database.close().await?;
                Err(failure)
            }
        }
    }

    async fn wire(config: &Config, database: &Database) -> Result<Wired, Failure> {
        let pool = database.pool(POOL).await?;
        migrate(&pool).await?;
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let log: Arc<dyn EventLog> = Arc::new(PostgresLog::connect(pool.clone()).await.map_err(Failure::new)?);
        let store = Arc::new(PostgresStore::new(pool.clone()));
        let config = &Config { data_dir: kek::data_dir(config, &store).await?, ..config.clone() };
        make_folder(&config.data_dir)?;
        let kek = kek::open(config, &store, random.as_ref()).await?;
        let keys: Arc<dyn WrappedKeys> = Arc::clone(&store) as _;
        let vault: Arc<dyn Vault> = Arc::new(SealingVault::new(kek, keys, Arc::clone(&random)));
        let artifacts: Arc<dyn ArtifactStore> =
            Arc::new(LocalArtifacts::open(config.data_dir.join("artifacts")).map_err(Failure::new)?);
        let wake = Wake::default();
        let options = ReaderOptions { wake: Some(wake.clone()), ..ReaderOptions::default() };
        let connect = (*pool.connect_options()).clone();
        let reader = Reader::start(connect, &souk_projections::all(), options).await.map_err(Failure::new)?;
        let reader = Arc::new(reader);
        let directories = Arc::new(Directories::new(Arc::clone(&reader), PATIENCE));
        let secret = vault.derived_secret("access-token");
        let tokens = Tokens::new(secret, "souk", Arc::clone(&clock), Arc::clone(&random));
        let ports = Ports {
            log: Arc::clone(&log),
            vault: Arc::clone(&vault),
            clock,
            random: Arc::clone(&random),
            credentials: Arc::clone(&store) as _,
            passwords: Arc::new(Argon2Passwords::new(Arc::clone(&random), HASHES_AT_ONCE)),
            artifacts,
            directory: Arc::clone(&directories) as _,
            timeline: directories,
        };
        let settings = souk_app::Settings {
            thresholds: config.validation,
            orphan_grace: Duration::from_secs(config.orphan_grace_seconds),
            max_artifact: config.limits.archive_bytes,
            ..souk_app::Settings::default()
        };
        Ok(Wired {
            app: App::new(ports, settings),
            feed: Arc::new(LogFeed::new(Arc::clone(&log))),
            models: Models { pool, log, decoder: Decoder::new(vault), projections: souk_projections::all() },
            keyring: Arc::new(Keys::new(tokens, random)),
            wake,
            store,
            reader,
        })
    }

    /// The use cases.
    pub const fn app(&self) -> &App {
        &self.wired.app
    }

    /// The log.
    pub const fn log(&self) -> &Arc<dyn EventLog> {
        &self.wired.models.log
    }

    /// Checkpoints and parked events of reactions.
    pub fn reactions(&self) -> &dyn ReactionStore {
        self.wired.store.as_ref()
    }

    /// The read models, as they are written.
    pub const fn models(&self) -> &Models {
        &self.wired.models
    }

    /// The database.
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// Address of the database. Holds a password.
    pub fn database_url(&self) -> &str {
        self.database.url()
    }

    /// Starts to keep the read models up to date.
    pub fn project(&self) -> Workers {
        let cancel = CancellationToken::new();
        let runner = self.wired.models.runner(Arc::clone(&self.wired.feed), self.wired.wake.clone());
        Workers { tasks: vec![tokio::spawn(runner.run(cancel.clone()))], cancel }
    }

    /// Starts to react to events, as `holder` of the reactions' leases.
    pub fn react(&self, holder: Uuid) -> Workers {
        let cancel = CancellationToken::new();
        let runner = ReactionRunner::spawn(
            Arc::new(self.wired.app.clone()),
            Arc::clone(&self.wired.feed),
            Arc::clone(&self.wired.store) as _,
            holder,
            cancel.clone(),
        );
        Workers { tasks: vec![tokio::spawn(runner.join())], cancel }
    }

    /// Starts to forget what has had its time: answers kept for repeated requests, and logins that are over.
    pub fn keep_house(&self) -> Workers {
        let cancel = CancellationToken::new();
        let (store, stop) = (Arc::clone(&self.wired.store), cancel.clone());
        let task = async move {
            let mut every = tokio::time::interval(UPKEEP);
            loop {
                tokio::select! {
                    _ = every.tick() => {}
                    () = stop.cancelled() => return,
                }
                let forgotten = async {
                    Ok::<_, StoreError>((
                        store.prune(ANSWERS_KEPT).await?,
                        store.prune_logins(SystemClock.now()).await?,
                    ))
                };
                match forgotten.await {
                    Ok((answers, logins)) => tracing::debug!(answers, logins, "forgot what had its time"),
                    Err(error) => tracing::warn!(%error, "what had its time could not be forgotten"),
                }
            }
        };
        Workers { tasks: vec![tokio::spawn(task)], cancel }
    }

    /// The HTTP interface.
    pub fn api(&self, config: &Config, shutdown: &CancellationToken) -> Api {
        let Wired { app, reader, keyring, store, .. } = &self.wired;
        let minutes = |quota, minutes: u64| RateLimit { quota, window: Duration::from_secs(minutes * 60) };
        let limits = RateLimits {
            requests: minutes(config.limits.requests_per_quarter_hour, 15),
            validations: minutes(config.limits.validations_per_minute, 1),
        };
        Api::new(Parts {
            app: app.clone(),
            reads: Arc::new(ReadModels::new(Arc::clone(reader))),
            keyring: Arc::clone(keyring) as _,
            idempotency: Arc::clone(store) as _,
            reactions: Arc::clone(store) as _,
            projections: Arc::new(Control::new(self, shutdown.clone())),
            metrics: Metrics::install(),
            settings: souk_api::Settings {
                rate_limits: (config.rate_limits == Switch::On).then_some(limits),
                json_body_bytes: config.limits.json_body_bytes,
                archive_bytes: config.limits.archive_bytes,
                trusted_proxies: config.trusted_proxies.clone(),
                ..souk_api::Settings::default()
            },
        })
    }

    /// Lets go of everything; Souk's own PostgreSQL is stopped when nobody else uses it.
    ///
    /// # Errors
    /// Souk's own PostgreSQL did not stop.
    pub async fn close(self) -> Result<(), Failure> {
        let Self { database, wired } = self;
        let pool = wired.models.pool.clone();
        wired.reader.close().await;
        drop(wired);
        pool.close().await;
        database.close().await
    }
}

/// Everything that is wired to a database.
struct Wired {
    models: Models,
    feed: Arc<dyn EventFeed>,
    wake: Wake,
    store: Arc<PostgresStore>,
    reader: Arc<Reader>,
    keyring: Arc<Keys>,
    app: App,
}

/// Tasks in the background.
pub struct Workers {
    tasks: Vec<tokio::task::JoinHandle<()>>,
    cancel: CancellationToken,
}

impl Workers {
    /// Ends them in order: what they have begun is finished.
    pub async fn stop(self) {
        self.cancel.cancel();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a background task ended badly");
            }
        }
    }
}
