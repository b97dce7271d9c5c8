//! The only place that chooses adapters.
//!
//! [`Base`] is what every process has; [`Souk`] is a base with the use cases and the queries. A process that needs less takes
//! less: one that only projects opens no artifacts, no readers and no keys.

mod feed;

use std::{path::Path, sync::Arc, time::Duration};

use souk_api::{Api, Metrics, Parts, RateLimit, RateLimits, ReadModels};
use souk_app::{
    App, Ports,
    reactions::{self, ReactionRunner},
};
use souk_artifacts::{LocalArtifacts, S3Artifacts};
use souk_auth::{Argon2Passwords, Keys, Tokens};
use souk_clamd::{Clamd, Patience};
use souk_feed_kafka::{KafkaFeedError, Survey};
use souk_ledger::{PostgresLedger, Salts};
use souk_log_kurrent::KurrentLog;
use souk_log_postgres::PostgresLog;
use souk_ports::{
    ArtifactStore, Clock, EventFeed, EventLog, MalwareScanner, Random, Sandbox, Vault, store::ReactionStore,
};
use souk_projections::Directories;
use souk_projector::{Reader, ReaderOptions, Wake};
use souk_store_postgres::{KeyPlace, PostgresStore};
use souk_vault::SealingVault;
use souk_webhooks::GuardedCaller;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    command::validate::knowing,
    config::{Config, LogKind, Switch},
    control::Control,
    database::Database,
    failure::Failure,
    kek, ledger,
    models::Models,
    person_keys,
    sandbox::LazySandbox,
    source,
    system::{SystemClock, SystemRandom},
    workers::{self, Workers},
};

/// Connections for the log's reads, the stores and the projectors, one of which is kept for small writes. A rebuild has use for two for each
/// read model and four more; with fewer, its tasks take turns. The server has a hundred for all processes, killed ones among them until it
/// notices, and each of its own keeps statements and tables in mind: more of them than can work at once only make that cold.
const POOL: u32 = 20;
/// How long a use case waits for what a read model suggests.
const PATIENCE: Duration = Duration::from_secs(2);
/// Password hashes computed at once; each takes 19 MiB.
const HASHES_AT_ONCE: usize = 4;

/// Where the samples of a package run that is checked without a Souk.
pub fn sandbox_of_user(config: &Config) -> Arc<dyn Sandbox> {
    Arc::new(LazySandbox::of_user(&config.sandbox))
}

/// Tells where the reactions of this process stand.
pub type Observer = Arc<dyn Fn() -> Vec<reactions::Status> + Send + Sync>;

/// Brings durable tables, functions and read-model schemas up to date, and changes over to another feed. Any number of
/// processes may do so at once.
///
/// # Errors
/// The database cannot be reached or migrated, or belongs to another log.
pub async fn migrate(config: &Config, pool: &PgPool) -> Result<(), Failure> {
    prepare(config, pool, true).await?;
    PostgresStore::new(pool.clone()).change_feed(&source::configured(config)).await.map_err(Failure::new)
}

async fn prepare(config: &Config, pool: &PgPool, migrating: bool) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(error).during("migrating the database");
    souk_log_postgres::migrate(pool).await.map_err(|error| failed(&error))?;
    source::agree(config, &PostgresStore::new(pool.clone()), migrating).await?;
    let projections = souk_projections::all();
    souk_projector::migrate(pool, &projections, config.partitions()).await.map_err(|error| failed(&error))
}

/// The log that is configured.
async fn log(config: &Config, pool: &PgPool) -> Result<Arc<dyn EventLog>, Failure> {
    Ok(match (config.events.log, &config.kurrentdb.url) {
        (LogKind::KurrentDb, Some(url)) => {
            let options = souk_log_kurrent::Options::new(Arc::new(SystemRandom));
            let log = KurrentLog::connect(url, options).await;
            Arc::new(log.map_err(|error| Failure::new(error).during("connecting to KurrentDB"))?)
        }
        // Without an address the configuration is refused.
        _ => Arc::new(PostgresLog::connect(pool.clone()).await.map_err(Failure::new)?),
    })
}

/// Who knows malware, where somebody is configured.
pub fn scanner(config: &Config) -> Option<Arc<dyn MalwareScanner>> {
    Some(Arc::new(Clamd::new(config.malware.address()?, Patience::default())))
}

/// Where archives and reports are kept. A bucket is not asked for anything yet.
fn artifacts(config: &Config) -> Result<Arc<dyn ArtifactStore>, Failure> {
    Ok(match config.artifacts.bucket() {
        Some(bucket) => Arc::new(S3Artifacts::new(&bucket).map_err(Failure::new)?),
        None => Arc::new(LocalArtifacts::open(config.data_dir.join("artifacts")).map_err(Failure::new)?),
    })
}

fn make_folder(data_dir: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(data_dir)
        .map_err(|error| Failure::new(format!("the data directory {}: {error}", data_dir.display())))
}

/// What every process has: the database, brought up to date, and the log.
pub struct Base {
    database: Database,
    pool: PgPool,
    log: Arc<dyn EventLog>,
    store: Arc<PostgresStore>,
}

impl Base {
    /// Opens the database and the log.
    ///
    /// # Errors
    /// One of them cannot be had.
    pub async fn open(config: &Config) -> Result<Self, Failure> {
        if config.database_url.is_none() {
            make_folder(&config.data_dir)?;
        }
        let database = Database::open(config).await?;
        let connected = async {
            let pool = database.pool(POOL).await?;
            prepare(config, &pool, false).await?;
            let log = log(config, &pool).await?;
            Ok((pool, log))
        };
        match connected.await {
            Ok((pool, log)) => Ok(Self { database, store: Arc::new(PostgresStore::new(pool.clone())), log, pool }),
            Err(failure) => {
                database.close().await?;
                Err(failure)
            }
        }
    }

    /// The log.
    pub const fn log(&self) -> &Arc<dyn EventLog> {
        &self.log
    }

    /// What seals and opens personal fields.
    ///
    /// # Errors
    /// The key cannot be had, or is not the one that the database was begun with.
    async fn vault(&self, config: &Config) -> Result<Arc<dyn Vault>, Failure> {
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let kek = kek::open(config, &self.store, random.as_ref()).await?;
        let keys = person_keys::open(config, &self.store, &self.pool).await?;
        Ok(Arc::new(SealingVault::new(kek, keys, random)))
    }

    /// The read models, as they are written.
    pub fn models(&self) -> Models {
        Models::new(self.pool.clone(), Arc::clone(&self.log))
    }

    /// The configuration with the data directory that this database belongs to.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn at_home(&self, config: &Config) -> Result<Config, Failure> {
        Ok(Config { data_dir: kek::data_dir(config, &self.store).await?, ..config.clone() })
    }

    /// Lets go of everything; Souk's own PostgreSQL is stopped when nobody else uses it.
    ///
    /// # Errors
    /// Souk's own PostgreSQL did not stop.
    pub async fn close(self) -> Result<(), Failure> {
        let Self { database, pool, log, store } = self;
        drop((log, store));
        pool.close().await;
        database.close().await
    }
}

/// A Souk whose adapters are chosen, doing nothing by itself yet.
pub struct Souk {
    base: Base,
    wired: Wired,
}

/// What is wired to a base.
struct Wired {
    models: Models,
    wake: Wake,
    reader: Arc<Reader>,
    keyring: Arc<Keys>,
    app: App,
}

impl Souk {
    /// Opens the base and wires everything to it, in a process that also projects.
    ///
    /// # Errors
    /// The database, the log or the keys cannot be had.
    pub async fn open(config: &Config) -> Result<Self, Failure> {
        Self::open_with(config, Some(Wake::default())).await
    }

    /// The same in a process that does not: nobody tells its readers that a read model moved, so they look by themselves.
    ///
    /// # Errors
    /// The database, the log or the keys cannot be had.
    pub async fn open_apart(config: &Config) -> Result<Self, Failure> {
        Self::open_with(config, None).await
    }

    async fn open_with(config: &Config, wake: Option<Wake>) -> Result<Self, Failure> {
        let base = Base::open(config).await?;
        match Self::wire(config, &base, wake).await {
            Ok(wired) => Ok(Self { base, wired }),
            Err(failure) => {
                base.close().await?;
                Err(failure)
            }
        }
    }

    async fn wire(config: &Config, base: &Base, wake: Option<Wake>) -> Result<Wired, Failure> {
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let config = &base.at_home(config).await?;
        make_folder(&config.data_dir)?;
        let vault = base.vault(config).await?;
        let artifacts = artifacts(config)?;
        let options = ReaderOptions { wake: wake.clone(), ..ReaderOptions::default() };
        let connect = (*base.pool.connect_options()).clone();
        let reader = Reader::start(connect, &souk_projections::all(), options).await.map_err(Failure::new)?;
        let reader = Arc::new(reader);
        let directories = Arc::new(Directories::new(Arc::clone(&reader), PATIENCE));
        let secret = vault.derived_secret("access-token");
        let tokens = Tokens::new(secret, "souk", Arc::clone(&clock), Arc::clone(&random));
        let ports = Ports {
            log: Arc::clone(&base.log),
            vault: Arc::clone(&vault),
            clock: Arc::clone(&clock),
            random: Arc::clone(&random),
            credentials: Arc::clone(&base.store) as _,
            passwords: Arc::new(Argon2Passwords::new(Arc::clone(&random), HASHES_AT_ONCE)),
            artifacts,
            sandbox: Arc::new(LazySandbox::new(config.data_dir.join("sandbox"), &config.sandbox)),
            malware: scanner(config),
            outputs: Arc::clone(&base.store) as _,
            gateways: config.payments.gateways(&clock).map_err(Failure::new)?,
            webhooks: Arc::clone(&base.store) as _,
            notices: Arc::clone(&base.store) as _,
            outbox: Arc::clone(&base.store) as _,
            post: config
                .mail
                .post(config.public_url.as_deref(), Arc::clone(&clock))
                .map_err(|p| Failure::new(p.join("\n")))?,
            partners: Arc::clone(&base.store) as _,
            hook_caller: Arc::new(GuardedCaller::new(config.partners.calling()).map_err(Failure::new)?),
            directory: Arc::clone(&directories) as _,
            timeline: directories,
            ledger: Arc::new(PostgresLedger::new(base.pool.clone(), Salts::new(vault.derived_secret(ledger::SALTS)))),
        };
        let settings = souk_app::Settings {
            thresholds: config.validation,
            orphan_grace: Duration::from_secs(config.orphan_grace_seconds),
            max_artifact: config.limits.archive_bytes,
            grants: config.sandbox.grants(),
            money: config.payments.money(),
            executions: config.sandbox.runs * 3 / 4,
            delivering: config.partners.delivering(),
            public_url: config.public_url.clone(),
            ..souk_app::Settings::default()
        };
        let app = App::new(ports, settings);
        Ok(Wired {
            app: match &config.advisories {
                Some(list) => app.with_pipeline(knowing(list)?),
                None => app,
            },
            models: base.models(),
            keyring: Arc::new(Keys::new(tokens, random)),
            wake: wake.unwrap_or_default(),
            reader,
        })
    }

    /// The use cases.
    pub const fn app(&self) -> &App {
        &self.wired.app
    }

    /// Tokens that clients hold.
    pub fn keyring(&self) -> &Keys {
        &self.wired.keyring
    }

    /// The log.
    pub const fn log(&self) -> &Arc<dyn EventLog> {
        self.base.log()
    }

    /// Checkpoints and parked events of reactions.
    pub fn reactions(&self) -> Arc<dyn ReactionStore> {
        Arc::clone(&self.base.store) as _
    }

    /// The read models, as they are written.
    pub const fn models(&self) -> &Models {
        &self.wired.models
    }

    /// The database.
    pub const fn database(&self) -> &Database {
        &self.base.database
    }

    /// Address of the database. Holds a password.
    pub fn database_url(&self) -> &str {
        self.base.database.url()
    }

    /// What brings events to [`Souk::project`] and [`Souk::react`].
    ///
    /// # Errors
    /// It cannot be had.
    pub async fn feed(&self, config: &Config, projecting: bool) -> Result<Arc<dyn EventFeed>, Failure> {
        self.base.feed(config, projecting).await
    }

    /// How far the log is in Kafka, and who copies it. Nothing is changed by asking.
    ///
    /// # Errors
    /// See [`KafkaFeedError`].
    pub async fn survey_relay(&self, config: &Config) -> Result<Survey, KafkaFeedError> {
        self.base.survey_relay(config).await
    }

    /// Whether persons' keys lie in the database, whose backups then carry them.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn keeps_keys_in_the_database(&self) -> Result<bool, Failure> {
        Ok(self.base.store.key_place().await.map_err(Failure::new)? == Some(KeyPlace::Here))
    }

    /// Starts to copy the log to Kafka, where that is configured.
    ///
    /// # Errors
    /// Partners are to be told as well, and the keys of their pseudonyms cannot be had.
    pub async fn relay(&self, config: &Config) -> Result<Option<Workers>, Failure> {
        Ok(self.base.relay(config).await?.map(|(workers, _)| workers))
    }

    /// Starts to keep the read models up to date, and goes on with interrupted rebuilds that were asked for over HTTP.
    pub fn project(&self, feed: Arc<dyn EventFeed>) -> Workers {
        self.wired.models.project(feed, self.wired.wake.clone())
    }

    /// Starts to react to events, as `holder` of the reactions' leases; also what tells where they stand.
    pub fn react(&self, feed: Arc<dyn EventFeed>, holder: Uuid) -> (Workers, Observer) {
        let cancel = CancellationToken::new();
        let app = Arc::new(self.wired.app.clone());
        let runner = ReactionRunner::spawn(app, feed, Arc::clone(&self.base.store) as _, holder, cancel.clone());
        let observer = runner.observer();
        (Workers::new(runner.join(), cancel), observer)
    }

    /// Starts to hear of new events, so that the use cases need not read again what they remember. Costs next to nothing where
    /// `feed` is followed in this process anyway.
    pub fn follow(&self, feed: Arc<dyn EventFeed>) -> Workers {
        let cancel = CancellationToken::new();
        let (following, stop) = (self.wired.app.clone().follow(feed), cancel.clone());
        let work = async move {
            stop.run_until_cancelled(following).await;
        };
        Workers::new(work, cancel)
    }

    /// Starts to forget what has had its time.
    pub fn keep_house(&self) -> Workers {
        workers::keep_house(Arc::clone(&self.base.store))
    }

    /// Starts to put events into the ledger and to sign it; of several processes one does.
    ///
    /// # Errors
    /// The key that signs cannot be had.
    pub async fn sequence(&self, config: &Config) -> Result<Workers, Failure> {
        let config = &self.base.at_home(config).await?;
        let secret = self.wired.app.ports().vault.derived_secret(ledger::SALTS);
        ledger::sequence(config, self.base.pool.clone(), Arc::clone(&self.base.log), secret)
    }

    /// Starts to do what is due.
    pub fn keep_time(&self) -> Workers {
        workers::keep_time(self.wired.app.clone())
    }

    /// Starts to call the webhooks of partners.
    pub fn call_webhooks(&self) -> Workers {
        workers::call_webhooks(self.wired.app.clone())
    }

    /// Starts to write down how often pages were looked at.
    pub fn keep_count(&self) -> Workers {
        workers::keep_count(self.wired.app.clone())
    }

    /// Starts to send the mails that wait; nothing where no mail is configured.
    pub fn post(&self) -> Workers {
        workers::post(self.wired.app.clone())
    }

    /// The HTTP interface.
    pub fn api(&self, config: &Config, shutdown: &CancellationToken) -> Api {
        let Wired { app, reader, keyring, models, .. } = &self.wired;
        let store = &self.base.store;
        let minutes = |quota, minutes: u64| RateLimit { quota, window: Duration::from_secs(minutes * 60) };
        let limits = RateLimits {
            requests: minutes(config.limits.requests_per_quarter_hour, 15),
            validations: minutes(config.limits.validations_per_minute, 1),
            executions: minutes(config.limits.executions_per_minute, 1),
        };
        Api::new(Parts {
            app: app.clone(),
            reads: Arc::new(ReadModels::new(
                Arc::clone(reader),
                Arc::clone(&app.ports().vault),
                config.pages.memory_bytes,
            )),
            keyring: Arc::clone(keyring) as _,
            idempotency: Arc::clone(store) as _,
            reactions: Arc::clone(store) as _,
            projections: Arc::new(Control::new(models.clone(), shutdown.clone())),
            metrics: Metrics::install(),
            shutdown: shutdown.clone(),
            settings: souk_api::Settings {
                public_url: config.public_url.clone(),
                rate_limits: (config.rate_limits == Switch::On).then_some(limits),
                json_body_bytes: config.limits.json_body_bytes,
                archive_bytes: config.limits.archive_bytes,
                trusted_proxies: config.trusted_proxies.clone(),
                streams_at_once: config.partners.streams,
                stream_bytes_per_second: config.partners.stream_bytes_per_second,
                stream_stall: Duration::from_secs(config.partners.stream_stall_seconds),
                ..souk_api::Settings::default()
            },
        })
    }

    /// Lets go of everything; Souk's own PostgreSQL is stopped when nobody else uses it.
    ///
    /// # Errors
    /// Souk's own PostgreSQL did not stop.
    pub async fn close(self) -> Result<(), Failure> {
        let Self { base, wired } = self;
        wired.reader.close().await;
        drop(wired);
        base.close().await
    }
}
