//! A database, a log in memory, and two small projections that count the events of plugins.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use souk_domain::{
    event::DomainEvent,
    id::{CommandId, PluginId, VendorId},
    listing::{Details, Kind, Pricing, Terms},
    plugin,
    stream::{Category, StreamId},
};
use souk_embedded_postgres::testing::{TestDatabase, database};
use souk_feed_log::LogFeed;
use souk_ports::{Actor, Appended, EventLog, Expected, Metadata, NewEvent, Position};
use souk_projector::{
    Changes, Envelope, Projection, Reader, ReaderOptions, Rebuild, Runner, RunnerOptions, State, Tables, migrate,
    status,
};
use souk_testkit::{ManualClock, MemoryLog};
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Counts events and keeps the last summary, which must be at most 20 characters: longer ones poison it.
#[derive(Default)]
pub struct Tally {
    pub version: i32,
    /// So many flushes fail as if another transaction had been in the way.
    pub failing_flushes: Arc<AtomicUsize>,
}

impl Projection for Tally {
    fn name(&self) -> &'static str {
        "tally"
    }
    fn version(&self) -> i32 {
        self.version + 1
    }
    fn schema_sql(&self) -> &'static str {
        "CREATE TABLE tally_plugin (plugin_id uuid PRIMARY KEY, events bigint NOT NULL, last bigint NOT NULL, label varchar(20) NOT NULL);
         CREATE TABLE tally_pair (a integer, b text, n bigint, PRIMARY KEY (a, b));"
    }
    fn index_sql(&self) -> &'static str {
        "CREATE INDEX tally_plugin_events ON tally_plugin (events)"
    }
    fn tables(&self) -> &'static [&'static str] {
        &["tally_plugin", "tally_pair"]
    }
    fn begin(&self) -> Box<dyn Changes> {
        Box::new(TallyChanges { rows: BTreeMap::new(), failing: Arc::clone(&self.failing_flushes) })
    }
}

struct TallyChanges {
    rows: BTreeMap<Uuid, (i64, i64, String)>,
    failing: Arc<AtomicUsize>,
}

#[async_trait]
impl Changes for TallyChanges {
    fn fold(&mut self, event: &Envelope) {
        let Some(plugin) = event.plugin_id() else { return };
        let row = self.rows.entry(plugin.uuid()).or_default();
        row.0 += 1;
        row.1 = i64::try_from(event.position).unwrap();
        if let DomainEvent::Plugin(plugin::Event::Created { details, .. } | plugin::Event::Described { details }) =
            &event.event
        {
            assert!(details.summary != "panic", "this summary cannot be folded");
            row.2.clone_from(&details.summary);
        }
    }

    fn size(&self) -> usize {
        self.rows.len() * 100
    }

    async fn flush(self: Box<Self>, tables: &mut Tables<'_>) -> Result<(), sqlx::Error> {
        let left = |n: usize| n.checked_sub(1);
        if self.failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok() {
            sqlx::query("DO $$ BEGIN RAISE EXCEPTION 'in the way' USING ERRCODE = '40001'; END $$")
                .execute(tables.connection().await?)
                .await?;
        }
        tables.key("tally_plugin").await?;
        for (plugin, (events, last, label)) in self.rows {
            let sql = "INSERT INTO tally_plugin AS t VALUES ($1, $2, $3, $4) ON CONFLICT (plugin_id) DO UPDATE \
                       SET events = t.events + excluded.events, last = excluded.last, \
                       label = CASE WHEN excluded.label = '' THEN t.label ELSE excluded.label END";
            tables
                .run(sql, |values| {
                    values.bind(plugin).bind(events).bind(last).bind(label);
                })
                .await?;
        }
        Ok(())
    }
}

/// Counts all events, whatever they are.
pub struct Count;

impl Projection for Count {
    fn name(&self) -> &'static str {
        "count"
    }
    fn schema_sql(&self) -> &'static str {
        "CREATE TABLE count_all (one integer PRIMARY KEY, events bigint NOT NULL)"
    }
    fn index_sql(&self) -> &'static str {
        ""
    }
    fn tables(&self) -> &'static [&'static str] {
        &["count_all"]
    }
    fn wants(&self, category: Category) -> bool {
        category == Category::Plugin
    }
    fn begin(&self) -> Box<dyn Changes> {
        Box::new(CountChanges(0))
    }
}

struct CountChanges(i64);

#[async_trait]
impl Changes for CountChanges {
    fn fold(&mut self, _event: &Envelope) {
        self.0 += 1;
    }
    fn size(&self) -> usize {
        0
    }
    async fn flush(self: Box<Self>, tables: &mut Tables<'_>) -> Result<(), sqlx::Error> {
        tables.key("count_all").await?;
        let sql = "INSERT INTO count_all AS c VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET events = c.events + excluded.events";
        tables
            .run(sql, |values| {
                values.bind(self.0);
            })
            .await
    }
}

pub struct World {
    pub database: Arc<TestDatabase>,
    pub pool: PgPool,
    pub log: Arc<MemoryLog>,
    pub projections: Vec<Arc<dyn Projection>>,
    /// How many logs were lost; no two give an event the same id.
    pub lost: u128,
}

/// A running runner.
pub struct Running {
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    pub async fn stop(self) {
        self.cancel.cancel();
        self.task.await.unwrap();
    }
}

impl World {
    pub async fn new() -> Self {
        Self::of(vec![Arc::new(Tally::default()), Arc::new(Count)]).await
    }

    pub async fn of(projections: Vec<Arc<dyn Projection>>) -> Self {
        Self::make(projections, 1).await
    }

    /// With a feed of so many partitions.
    pub async fn partitioned(partitions: u32) -> Self {
        Self::make(vec![Arc::new(Tally::default()), Arc::new(Count)], partitions).await
    }

    async fn make(projections: Vec<Arc<dyn Projection>>, partitions: u32) -> Self {
        let database = Arc::new(database().await);
        let pool = PgPoolOptions::new().max_connections(16).connect(&database.url).await.unwrap();
        sqlx::raw_sql(include_str!("../../../../migrations/0003_projections.sql")).execute(&pool).await.unwrap();
        sqlx::raw_sql(include_str!("../../../../migrations/0006_rebuild.sql")).execute(&pool).await.unwrap();
        sqlx::raw_sql(include_str!("../../../../migrations/0007_feed.sql")).execute(&pool).await.unwrap();
        migrate(&pool, &projections, partitions).await.unwrap();
        let noon: DateTime<Utc> = "2026-05-04T12:00:00Z".parse().unwrap();
        let log = Arc::new(MemoryLog::new(Arc::new(ManualClock::at(noon))));
        Self { database, pool, log, projections, lost: 0 }
    }

    /// The same world, with other projections.
    pub fn with(&self, projections: Vec<Arc<dyn Projection>>) -> Self {
        let (database, pool, log) = (Arc::clone(&self.database), self.pool.clone(), Arc::clone(&self.log));
        Self { database, pool, log, projections, lost: self.lost }
    }

    /// Waits until no rebuild holds the locks: the server notices the end of a session a little later.
    pub async fn unlocked(&self) {
        for projection in &self.projections {
            let mut waiting = self.pool.acquire().await.unwrap();
            for function in ["pg_advisory_lock", "pg_advisory_unlock"] {
                let sql = format!("SELECT {function}(hashtext('souk rebuild {}'))", projection.name());
                sqlx::query(AssertSqlSafe(sql)).execute(&mut *waiting).await.unwrap();
            }
        }
    }

    pub fn runner_with(&self, options: RunnerOptions) -> Runner {
        let feed = Arc::new(LogFeed::new(Arc::clone(&self.log) as Arc<dyn EventLog>));
        Runner::new(self.pool.clone(), feed, self.log.clone(), self.projections.clone(), options)
    }

    pub fn run(&self) -> Running {
        self.run_with(RunnerOptions { max_batch: 50, look: Duration::from_millis(20), ..RunnerOptions::default() })
    }

    pub fn run_with(&self, options: RunnerOptions) -> Running {
        let cancel = CancellationToken::new();
        let task = tokio::spawn(self.runner_with(options).run(cancel.clone()));
        Running { cancel, task }
    }

    pub async fn reader(&self) -> Reader {
        let options =
            ReaderOptions { max_connections: 4, grace: Duration::from_millis(500), ..ReaderOptions::default() };
        Reader::start(self.database.url.parse().unwrap(), &self.projections, options).await.unwrap()
    }

    pub fn rebuild(&self) -> Rebuild {
        Rebuild::new(self.pool.clone(), Arc::clone(&self.log) as Arc<dyn EventLog>, self.projections.clone())
    }

    /// Appends `count` events, spread over `plugins` plugins.
    pub async fn append(&self, count: usize, plugins: usize) -> Position {
        let mut last = 0;
        for n in 0..count {
            last = self.append_one(n % plugins, "a summary").await;
        }
        last
    }

    /// Appends one event of plugin number `plugin`.
    pub async fn append_one(&self, plugin: usize, summary: &str) -> Position {
        let id = plugin_id(plugin);
        let stream = StreamId::of(Category::Plugin, id);
        let existing = self.log.read_stream(stream, 0, usize::MAX).await.unwrap();
        let details = Box::new(details(summary));
        let event = if existing.is_empty() {
            plugin::Event::Created {
                plugin_id: id,
                vendor_id: VendorId::new(Uuid::from_u128(7)),
                name: format!("plugin-{plugin}"),
                details,
                pricing: Pricing::Free,
                terms: Terms::default(),
            }
        } else {
            plugin::Event::Described { details }
        };
        let encoded = DomainEvent::from(event).encode();
        let data = serde_json::to_vec(&encoded.data).unwrap();
        self.append_raw(stream, existing.len(), &encoded.event_type, encoded.schema_version, data).await
    }

    pub async fn append_raw(
        &self,
        stream: StreamId,
        at: usize,
        event_type: &str,
        schema_version: u16,
        data: Vec<u8>,
    ) -> Position {
        let command = Uuid::from_u128((self.lost << 64) + u128::from(self.log.head().await.unwrap()) + 1);
        let metadata = Metadata {
            actor: Actor::SYSTEM,
            command_id: CommandId::new(command),
            correlation_id: command,
            causation_id: command,
            traceparent: None,
            plugin_id: (stream.category == Category::Plugin).then(|| PluginId::new(stream.uuid)),
            vendor_id: None,
        };
        let event = NewEvent {
            id: command,
            event_type: event_type.to_owned(),
            schema_version,
            data: Bytes::from(data),
            metadata: Bytes::from(serde_json::to_vec(&metadata).unwrap()),
        };
        let expected = if at == 0 { Expected::NoStream } else { Expected::Version(at as u64 - 1) };
        match self.log.append(stream, expected, vec![event]).await.unwrap() {
            Appended::Ok { position, .. } => position,
            Appended::Conflict { actual } => panic!("conflict at {actual:?}"),
        }
    }

    /// The schema of the live generation of `projection`.
    pub async fn schema(&self, projection: &str) -> String {
        sqlx::query_scalar(
            "SELECT schema_name FROM souk_ops.projection_generation WHERE projection = $1 AND state = 'live'",
        )
        .bind(projection)
        .fetch_one(&self.pool)
        .await
        .unwrap()
    }

    pub async fn position(&self, projection: &str) -> Position {
        let position: i64 =
            sqlx::query_scalar("SELECT position FROM souk_ops.projection_checkpoint WHERE projection = $1 AND live")
                .bind(projection)
                .fetch_one(&self.pool)
                .await
                .unwrap();
        position.unsigned_abs()
    }

    /// Puts an empty log in the place of the one that was followed.
    pub fn lose_log(&mut self) {
        self.log = Arc::new(MemoryLog::default());
        self.lost += 1;
    }

    /// Why `projection` is stopped, as everybody is told.
    pub async fn trouble(&self, projection: &str) -> Option<String> {
        let all = status(&self.pool, self.log.as_ref(), &self.projections).await.unwrap();
        let of = all.into_iter().find(|status| status.name == projection).unwrap();
        assert_eq!(of.trouble.is_some(), of.state == State::Stopped);
        of.trouble
    }

    pub async fn until_trouble(&self, projection: &str) -> String {
        self.until(|| async { self.trouble(projection).await.is_some() }, "the trouble").await;
        self.trouble(projection).await.unwrap()
    }

    pub async fn until_at(&self, projection: &str, position: Position) {
        self.until(|| async { self.position(projection).await >= position }, "the position").await;
    }

    pub async fn until<F: Future<Output = bool>>(&self, holds: impl Fn() -> F, what: &str) {
        let held = tokio::time::timeout(PATIENCE, async {
            while !holds().await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        assert!(held.is_ok(), "waited in vain for {what}");
    }

    /// How many events the live tables have counted: of all plugins, and of all.
    pub async fn counted(&self) -> (i64, i64) {
        let (tally, count) = (self.schema("tally").await, self.schema("count").await);
        let sql = format!(
            "SELECT (SELECT coalesce(sum(events), 0)::bigint FROM {tally}.tally_plugin), \
             (SELECT coalesce(sum(events), 0)::bigint FROM {count}.count_all)"
        );
        sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&self.pool).await.unwrap()
    }

    pub async fn execute(&self, sql: String) -> u64 {
        sqlx::query(AssertSqlSafe(sql)).execute(&self.pool).await.unwrap().rows_affected()
    }

    pub async fn schemas(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'souk\\_%\\_g%' ORDER BY 1")
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }
}

pub fn plugin_id(number: usize) -> PluginId {
    PluginId::new(Uuid::from_u128(0x1000 + number as u128))
}

fn details(summary: &str) -> Details {
    Details {
        display_name: "A plugin".to_owned(),
        kind: Kind::Skill,
        summary: summary.to_owned(),
        description: "What it does.".to_owned(),
        category: "tools".to_owned(),
        tags: vec![],
        license: "MIT".to_owned(),
        media: vec![],
        complexity: None,
        setup_minutes: None,
        requirements: vec![],
    }
}
