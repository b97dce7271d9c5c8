//! What measurements share: a private cluster, a catalogue in it, and a Souk that serves it.

use std::{
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::try_join_all;
use serde::Deserialize;
use souk_embedded_postgres::{
    Cluster, Options as ClusterOptions,
    testing::{self, TestDir},
};
use souk_log_postgres::PostgresLog;
use souk_ports::{EventLog, Vault};
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};

use super::{
    Options,
    catalogue::{Listed, Writer},
    executions,
    http::{self, Connection},
    installs, lag,
    measure::Row,
    process::Server,
    reads, rebuild, stream,
};
use crate::{
    cli::Measurement,
    config::{Config, FeedKind, Switch},
    failure::Failure,
    output::note,
    wire::Souk,
};

/// How long read models may take to reach the head of the log.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often they are asked.
const LOOK: Duration = Duration::from_millis(100);

/// A private cluster.
pub struct Session {
    /// How to measure.
    pub options: Options,
    cluster: Cluster,
    directory: TestDir,
    /// Brokers, where events go through Kafka.
    kafka: Option<String>,
}

/// A catalogue in the log of a session.
pub struct Catalogue {
    /// Its plugins, the most popular first.
    pub plugins: Arc<Vec<Listed>>,
    vault: Arc<dyn Vault>,
}

/// A Souk in processes of its own.
pub struct Service {
    /// What answers over HTTP.
    pub souk: Server,
    /// The other processes that it is made of.
    beside: Vec<Server>,
    /// The log that Souk serves, written from this process.
    pub log: Arc<dyn EventLog>,
    /// Writes into it.
    pub writer: Writer,
    pool: PgPool,
}

impl Session {
    /// Starts a cluster in a temporary directory, which is gone when this program is, however it ends.
    ///
    /// # Errors
    /// There is no PostgreSQL.
    pub async fn open(options: Options) -> Result<Self, Failure> {
        let directory = testing::data_dir();
        let cluster = Cluster::start(ClusterOptions::new(directory.path())).await.map_err(Failure::new)?;
        Ok(Self { options, cluster, directory, kafka: None })
    }

    /// The same, for a Souk whose events go through the Kafka at `brokers`, which has none of them yet.
    ///
    /// # Errors
    /// There is no PostgreSQL.
    pub async fn open_with_kafka(options: Options, brokers: &str) -> Result<Self, Failure> {
        Ok(Self { kafka: Some(brokers.to_owned()), ..Self::open(options).await? })
    }

    /// Stops the cluster.
    ///
    /// # Errors
    /// It did not stop.
    pub async fn close(self) -> Result<(), Failure> {
        self.cluster.stop().await.map_err(Failure::new)?;
        drop(self.directory);
        Ok(())
    }

    /// The data directory of the Souk that is measured.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The database of the Souk that is measured.
    pub fn url(&self) -> &str {
        self.cluster.url()
    }

    /// Few connections to the database at `url`: most of the server's are for what is measured.
    ///
    /// # Errors
    /// It cannot be reached.
    pub async fn pool(&self, url: &str) -> Result<PgPool, Failure> {
        PgPoolOptions::new().max_connections(4).connect(url).await.map_err(Failure::new)
    }

    /// Address of another database of the cluster, new and empty.
    ///
    /// # Errors
    /// It cannot be created.
    pub async fn database(&self, name: &str) -> Result<String, Failure> {
        let pool = self.pool(self.url()).await?;
        let created = sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&pool).await;
        pool.close().await;
        created.map_err(Failure::new)?;
        Ok(self.cluster.url_for(name))
    }

    /// Has the server write what it put off: what comes next does not pay for it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn checkpoint(&self) -> Result<(), Failure> {
        self.cluster.checkpoint().await.map_err(Failure::new)
    }

    /// Version of the server.
    ///
    /// # Errors
    /// The database failed.
    pub async fn postgres(&self) -> Result<String, Failure> {
        let pool = self.pool(self.url()).await?;
        let version = sqlx::query_scalar("SHOW server_version").fetch_one(&pool).await;
        pool.close().await;
        version.map_err(Failure::new)
    }

    /// Fills the log with a catalogue and waits until the read models show it.
    ///
    /// # Errors
    /// The database failed, or the read models stopped.
    pub async fn load(&self) -> Result<Catalogue, Failure> {
        let mut config = Config {
            data_dir: self.directory().to_owned(),
            database_url: None,
            kek: None,
            rate_limits: Switch::Off,
            ..Config::default()
        };
        if self.kafka.is_some() {
            config.events.feed = FeedKind::Kafka;
            config.kafka.brokers.clone_from(&self.kafka);
        }
        let souk = Souk::open(&config).await?;
        let loaded = self.fill(&config, &souk).await;
        souk.close().await?;
        let catalogue = loaded?;
        let pool = self.pool(self.url()).await?;
        let vacuumed = vacuum(&pool).await;
        pool.close().await;
        vacuumed.map_err(Failure::new)?;
        Ok(catalogue)
    }

    async fn fill(&self, config: &Config, souk: &Souk) -> Result<Catalogue, Failure> {
        let Options { plugins, events, .. } = self.options;
        note(format!("loading: {plugins} plugins, {events} events"));
        let vault = Arc::clone(&souk.app().ports().vault);
        let started = Instant::now();
        let listed =
            Writer::new(Arc::clone(souk.log()), Arc::clone(&vault)).write(plugins as usize, events as usize).await?;
        note(format!("loading: appended in {:.1} s", started.elapsed().as_secs_f64()));
        let started = Instant::now();
        let relaying = souk.relay(config).await?;
        let projecting = souk.project(souk.feed(config, true).await?);
        let caught_up = catch_up(souk.models().pool(), souk.log().as_ref()).await;
        projecting.stop().await;
        if let Some(relaying) = relaying {
            relaying.stop().await;
        }
        caught_up?;
        note(format!("loading: projected live in {:.1} s", started.elapsed().as_secs_f64()));
        Ok(Catalogue { plugins: Arc::new(listed), vault })
    }

    /// Starts a Souk that serves the catalogue: one process, or, where events go through Kafka, one of each kind.
    ///
    /// # Errors
    /// It does not start.
    pub async fn serve(&self, catalogue: &Catalogue) -> Result<Service, Failure> {
        let (souk, beside) = match &self.kafka {
            None => (Server::souk(self.directory()).await?, Vec::new()),
            Some(brokers) => self.serve_apart(brokers).await?,
        };
        let pool = self.pool(self.url()).await?;
        let log: Arc<dyn EventLog> = Arc::new(PostgresLog::connect(pool.clone()).await.map_err(Failure::new)?);
        let writer = Writer::new(Arc::clone(&log), Arc::clone(&catalogue.vault));
        Ok(Service { souk, beside, log, writer, pool })
    }

    async fn serve_apart(&self, brokers: &str) -> Result<(Server, Vec<Server>), Failure> {
        let variables =
            [("SOUK_EVENTS__FEED", "kafka"), ("SOUK_KAFKA__BROKERS", brokers), ("DATABASE_URL", self.url())];
        let mut beside = Vec::new();
        for part in ["relay", "project", "react"] {
            beside.push(Server::part(self.directory(), &[part, "--probe", "127.0.0.1:0"], &variables).await?);
        }
        let api = Server::part(self.directory(), &["api", "--listen", "127.0.0.1:0"], &variables).await?;
        Ok((api, beside))
    }
}

impl Service {
    /// Waits until every read model has seen every event.
    ///
    /// # Errors
    /// They stopped, or take too long.
    pub async fn settle(&self) -> Result<Duration, Failure> {
        let started = Instant::now();
        catch_up(&self.pool, self.log.as_ref()).await?;
        Ok(started.elapsed())
    }

    /// Waits until the reactions have answered, and the ledger has taken in, everything that is in the log now. A catalogue that was
    /// written straight into it leaves them work for a while, which nobody's customers cause.
    ///
    /// # Errors
    /// They take too long.
    pub async fn rest(&self) -> Result<(), Failure> {
        let head = i64::try_from(self.log.head().await.map_err(Failure::new)?).map_err(Failure::new)?;
        let until = Instant::now() + PATIENCE;
        loop {
            let there: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM souk_ops.reaction_checkpoint WHERE position >= $1 \
                 AND EXISTS (SELECT FROM souk_ledger.head WHERE position >= $1)",
            )
            .bind(head)
            .fetch_one(&self.pool)
            .await
            .map_err(Failure::new)?;
            if there >= souk_app::reactions::names().len() as i64 {
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(Failure::new(format!("the reactions or the ledger did not catch up within {PATIENCE:?}")));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Registers as many accounts over HTTP; gives their access tokens.
    ///
    /// # Errors
    /// Souk refused one.
    pub async fn accounts(&self, count: usize, called: &str) -> Result<Vec<String>, Failure> {
        // As many at once as passwords are hashed at once.
        let shares = (0..4).map(|share| {
            let numbers: Vec<usize> = (share..count).step_by(4).collect();
            register(self.souk.address, called, numbers)
        });
        Ok(try_join_all(shares).await?.concat())
    }

    /// Ends it.
    ///
    /// # Errors
    /// It does not end.
    pub async fn stop(self) -> Result<(), Failure> {
        drop((self.writer, self.log));
        self.pool.close().await;
        self.souk.stop().await?;
        for server in self.beside {
            server.stop().await?;
        }
        Ok(())
    }
}

/// The e-mail address of account `number` of those that are `called` so.
pub fn account(called: &str, number: usize) -> String {
    format!("{called}-{number}@example.org")
}

/// Its password.
pub fn password(number: usize) -> String {
    format!("a long enough password {number}")
}

async fn register(address: SocketAddr, called: &str, numbers: Vec<usize>) -> Result<Vec<String>, Failure> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Registered {
        access_token: String,
    }
    let mut connection = Connection::open(address).await?;
    let mut tokens = Vec::with_capacity(numbers.len());
    for number in numbers {
        let body = serde_json::json!({
            "email": account(called, number),
            "password": password(number),
            "displayName": format!("Customer {number}"),
        });
        let request = http::post("/api/v1/auth/register", "", &body.to_string());
        let answer = connection.send(&request).await?;
        http::expect(&answer, 201, &request)?;
        tokens.push(serde_json::from_slice::<Registered>(answer.body).map_err(Failure::new)?.access_token);
    }
    Ok(tokens)
}

/// Everything that is measured over HTTP; what leaves most behind comes last.
///
/// # Errors
/// Souk gave a wrong answer.
pub async fn measure_served(session: &Session, service: &Service, catalogue: &Catalogue) -> Result<Vec<Row>, Failure> {
    let wants = |measurement| session.options.wants(measurement);
    let mut rows = Vec::new();
    note("waiting until reactions and ledger have nothing left to do");
    service.rest().await?;
    if wants(Measurement::Pages) {
        rows.extend(reads::pages(session, service, &catalogue.plugins).await?);
    }
    if wants(Measurement::Search) {
        rows.extend(reads::search(session, service, &catalogue.plugins).await?);
    }
    if wants(Measurement::Lag) {
        rows.extend(lag::measure(session, service, &catalogue.plugins, &lag::DIRECT).await?);
    }
    if wants(Measurement::LiveRebuild) {
        rows.extend(rebuild::live(session, service, &catalogue.plugins).await?);
    }
    if wants(Measurement::Executions) {
        rows.extend(executions::measure(session, service).await?);
    }
    if wants(Measurement::Installs) {
        rows.extend(installs::measure(session, service, &catalogue.plugins).await?);
    }
    if wants(Measurement::Stream) {
        rows.extend(stream::measure(session, service, &catalogue.plugins).await?);
    }
    Ok(rows)
}

/// What autovacuum does within minutes: so the first measurement sees what the last one does.
async fn vacuum(pool: &PgPool) -> Result<(), sqlx::Error> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE tableowner = current_user ORDER BY 1",
    )
    .fetch_all(pool)
    .await?;
    for table in tables {
        sqlx::query(AssertSqlSafe(format!("VACUUM (ANALYZE) {table}"))).execute(pool).await?;
    }
    Ok(())
}

/// Waits until every read model has reached the head of the log.
async fn catch_up(pool: &PgPool, log: &dyn EventLog) -> Result<(), Failure> {
    let projections = souk_projections::all();
    let until = Instant::now() + PATIENCE;
    loop {
        let statuses = souk_projector::status(pool, log, &projections).await.map_err(Failure::new)?;
        if statuses.iter().all(|status| status.lag == 0) {
            return Ok(());
        }
        if let Some(stopped) = statuses.iter().find(|status| status.state == souk_projector::State::Stopped) {
            return Err(Failure::new(format!("read model {} was stopped by {:?}", stopped.name, stopped.stopped_by)));
        }
        if Instant::now() >= until {
            return Err(Failure::new(format!("the read models did not catch up within {PATIENCE:?}")));
        }
        tokio::time::sleep(LOOK).await;
    }
}
