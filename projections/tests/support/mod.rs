//! A small market whose events are written by hand, projected into a database of its own.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::{collections::HashMap, sync::Arc, sync::Mutex, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use souk_domain::{
    event::DomainEvent,
    execution::{self, Execution},
    id::{CommandId, InstallationId, LicenseId, OrderId, PluginId, ReviewId, UserId, ValidationId, VendorId},
    installation,
    license::{self, LicenseKind},
    listing::{Details, Kind, Pricing, Terms},
    money::BasisPoints,
    order::{self, Gateway, OrderStatus},
    personal::Personal,
    plugin::{self, DecidedBy},
    review,
    stream::{Category, StreamId},
    user,
    validation::{self, Finding, Outcome, Severity, Step, Thresholds, Verdict},
    vendor,
};
use souk_embedded_postgres::testing::{TestDatabase, database};
use souk_feed_log::LogFeed;
use souk_ports::{Actor, Appended, Clock, EventLog, Expected, Metadata, NewEvent, Position, Vault};
use souk_projections::{
    all,
    catalogue::{Shelf, Showcase, ShowcaseOptions},
};
use souk_projector::{Projection, ReadGuard, Reader, ReaderOptions, Rebuild, Runner, RunnerOptions, migrate};
use souk_testkit::{ManualClock, MemoryLog, PlainVault};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub mod money;

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A showcase that keeps all pages, as JSON.
pub const SHOWN: ShowcaseOptions =
    ShowcaseOptions { render: |plugin| serde_json::to_vec(&plugin).unwrap(), page_bytes: 64 << 20 };

pub struct Market {
    pub database: TestDatabase,
    pub pool: PgPool,
    pub log: Arc<MemoryLog>,
    pub clock: Arc<ManualClock>,
    pub vault: Arc<PlainVault>,
    pub projections: Vec<Arc<dyn Projection>>,
    versions: Mutex<HashMap<StreamId, u64>>,
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

/// A UUID that says what it is of.
pub fn uuid(kind: u128, number: usize) -> Uuid {
    Uuid::from_u128((kind << 64) + number as u128 + 1)
}

pub fn user(number: usize) -> UserId {
    UserId::new(uuid(1, number))
}

pub fn vendor(number: usize) -> VendorId {
    VendorId::new(uuid(2, number))
}

pub fn plugin(number: usize) -> PluginId {
    PluginId::new(uuid(3, number))
}

pub fn order(number: usize) -> OrderId {
    OrderId::new(uuid(4, number))
}

pub fn license_of(number: usize) -> LicenseId {
    LicenseId::of(order(number))
}

pub fn details(display_name: &str, kind: Kind, category: &str, tags: &[&str], description: &str) -> Details {
    Details {
        display_name: display_name.to_owned(),
        kind,
        summary: format!("{display_name}, in short"),
        description: description.to_owned(),
        category: category.to_owned(),
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        license: "MIT".to_owned(),
        media: vec![],
        complexity: None,
        setup_minutes: Some(5),
        requirements: vec!["A computer".to_owned()],
    }
}

impl Market {
    /// Three persons, a vendor, and a free and a paid plugin of theirs.
    pub async fn opened() -> Self {
        let market = Self::new().await;
        for (number, name) in ["Ada", "Ben", "Cleo"].into_iter().enumerate() {
            market.register_user(number, name).await;
        }
        market.register_vendor(0, 0).await;
        market.create(0, "free-tool", details("Free tool", Kind::Skill, "x", &[], "Free."), Pricing::Free).await;
        let pricing = Pricing::OneTime { amount: 4_900, currency: "USD".parse().unwrap() };
        market.create(1, "paid-tool", details("Paid tool", Kind::Skill, "x", &[], "Paid."), pricing).await;
        market
    }

    pub async fn new() -> Self {
        let database = database().await;
        let pool = PgPoolOptions::new().max_connections(24).connect(&database.url).await.unwrap();
        sqlx::raw_sql(include_str!("../../../migrations/0003_projections.sql")).execute(&pool).await.unwrap();
        sqlx::raw_sql(include_str!("../../../migrations/0006_rebuild.sql")).execute(&pool).await.unwrap();
        sqlx::raw_sql(include_str!("../../../migrations/0007_feed.sql")).execute(&pool).await.unwrap();
        let projections = all();
        migrate(&pool, &projections, 1).await.unwrap();
        let noon: DateTime<Utc> = "2026-05-04T12:00:00Z".parse().unwrap();
        let clock = Arc::new(ManualClock::at(noon));
        let log = Arc::new(MemoryLog::new(Arc::clone(&clock) as _));
        let (vault, versions) = (Arc::new(PlainVault::default()), Mutex::default());
        Self { database, pool, log, clock, vault, projections, versions }
    }

    pub fn run(&self, max_batch: usize) -> Running {
        let feed = Arc::new(LogFeed::new(Arc::clone(&self.log) as Arc<dyn EventLog>));
        let options = RunnerOptions { max_batch, ..RunnerOptions::default() };
        let runner = Runner::new(self.pool.clone(), feed, self.log.clone(), self.projections.clone(), options);
        let cancel = CancellationToken::new();
        Running { task: tokio::spawn(runner.run(cancel.clone())), cancel }
    }

    pub fn rebuild(&self) -> Rebuild {
        Rebuild::new(self.pool.clone(), Arc::clone(&self.log) as Arc<dyn EventLog>, self.projections.clone())
    }

    pub async fn reader(&self) -> Reader {
        let options = ReaderOptions { max_connections: 4, ..ReaderOptions::default() };
        Reader::start(self.database.url.parse().unwrap(), &self.projections, options).await.unwrap()
    }

    /// Runs a runner until everything is projected, and reads there.
    pub async fn read(&self) -> (Reader, ReadGuard) {
        let running = self.run(500);
        let reader = self.reader().await;
        let names: Vec<&str> = self.projections.iter().map(|projection| projection.name()).collect();
        let guard = reader.at(&names, Some(self.log.head().await.unwrap()), PATIENCE).await.unwrap();
        running.stop().await;
        (reader, guard)
    }

    /// Runs a runner until everything is projected, and shows it.
    pub async fn shelf(&self) -> ((Reader, Showcase), Arc<Shelf>) {
        let (reader, guard) = self.read().await;
        let showcase = Showcase::start(&reader, SHOWN);
        let shelf = showcase.at(guard.position("catalogue").unwrap(), PATIENCE).await.unwrap();
        ((reader, showcase), shelf)
    }

    /// Appends `event` to `stream`.
    pub async fn emit(
        &self,
        stream: StreamId,
        event: impl Into<DomainEvent>,
        plugin: Option<PluginId>,
        vendor: Option<VendorId>,
    ) -> Position {
        let encoded = event.into().encode();
        let id = uuid(9, usize::try_from(self.log.head().await.unwrap()).unwrap());
        let metadata = Metadata {
            actor: Actor::SYSTEM,
            command_id: CommandId::new(id),
            correlation_id: id,
            causation_id: id,
            traceparent: None,
            plugin_id: plugin,
            vendor_id: vendor,
        };
        let data = self.vault.seal(id, stream, encoded.data).await.unwrap();
        let event = NewEvent {
            id,
            event_type: encoded.event_type,
            schema_version: encoded.schema_version,
            data: Bytes::from(serde_json::to_vec(&data).unwrap()),
            metadata: Bytes::from(serde_json::to_vec(&metadata).unwrap()),
        };
        let at = self.versions.lock().unwrap().get(&stream).copied();
        let expected = at.map_or(Expected::NoStream, Expected::Version);
        match self.log.append(stream, expected, vec![event]).await.unwrap() {
            Appended::Ok { version, position } => {
                self.versions.lock().unwrap().insert(stream, version);
                position
            }
            Appended::Conflict { actual } => panic!("conflict at {actual:?}"),
        }
    }

    pub async fn register_user(&self, number: usize, name: &str) {
        let user_id = user(number);
        let email = Personal::new(user_id, format!("{number}@example.org"));
        let event = user::Event::Registered { user_id, email, display_name: Personal::new(user_id, name) };
        self.emit(StreamId::of(Category::User, user_id), event, None, None).await;
    }

    pub async fn vendor_event(&self, number: usize, event: vendor::Event) {
        self.emit(StreamId::of(Category::Vendor, vendor(number)), event, None, Some(vendor(number))).await;
    }

    pub async fn register_vendor(&self, number: usize, owner: usize) {
        let (vendor_id, owner_id) = (vendor(number), user(owner));
        let (name, slug) = (format!("Vendor {number}"), format!("vendor-{number}"));
        self.vendor_event(number, vendor::Event::Registered { vendor_id, owner_id, name, slug }).await;
    }

    pub async fn plugin_event(&self, number: usize, event: plugin::Event) -> Position {
        self.emit(StreamId::of(Category::Plugin, plugin(number)), event, Some(plugin(number)), Some(vendor(0))).await
    }

    pub async fn create(&self, number: usize, name: &str, details: Details, pricing: Pricing) -> Position {
        let event = plugin::Event::Created {
            plugin_id: plugin(number),
            vendor_id: vendor(0),
            name: name.to_owned(),
            details: Box::new(details),
            pricing,
            terms: Terms::default(),
        };
        self.plugin_event(number, event).await
    }

    pub async fn submit(&self, number: usize, version: &str) {
        let event = plugin::Event::VersionSubmitted {
            version: version.parse().unwrap(),
            digest: "0".repeat(64),
            size: 1_000,
            manifest: serde_json::json!({ "name": "x" }),
            signature: version.ends_with('1').then(|| plugin::VendorSignature {
                key_id: Uuid::from_u128(1).into(),
                public_key: "key".to_owned(),
                signature: "signature".to_owned(),
            }),
            stripped: None,
        };
        self.plugin_event(number, event).await;
    }

    pub async fn approve(&self, number: usize, version: &str, confidence: Option<u8>) {
        let version: semver::Version = version.parse().unwrap();
        let event = plugin::Event::VersionApproved {
            validation_id: ValidationId::of(plugin(number), &version),
            version,
            digest: "0".repeat(64),
            confidence,
            by: DecidedBy::Validation,
            previous_version: None,
        };
        self.plugin_event(number, event).await;
    }

    pub async fn validation_event(&self, number: usize, version: &str, event: validation::Event) {
        let id = ValidationId::of(plugin(number), &version.parse().unwrap());
        self.emit(StreamId::of(Category::Validation, id), event, Some(plugin(number)), Some(vendor(0))).await;
    }

    pub async fn validate(&self, number: usize, version: &str, confidence: u8, verdict: Verdict) {
        let parsed: semver::Version = version.parse().unwrap();
        let requested = validation::Event::Requested {
            validation_id: ValidationId::of(plugin(number), &parsed),
            plugin_id: plugin(number),
            version: parsed.clone(),
            digest: "0".repeat(64),
            kind: Kind::Skill,
            pipeline: vec!["manifest".to_owned(), "artifact".to_owned()],
        };
        self.validation_event(number, version, requested).await;
        for name in ["manifest", "artifact"] {
            let step = Step {
                name: name.to_owned(),
                outcome: Outcome::Passed,
                penalty: 2,
                findings: vec![Finding {
                    rule: format!("{name}.odd"),
                    severity: Severity::Low,
                    place: None,
                    line: None,
                    message: "Looks odd.".to_owned(),
                }],
                finding_count: 1,
            };
            self.validation_event(number, version, validation::Event::StepCompleted { version: parsed.clone(), step })
                .await;
        }
        let report = "1".repeat(64);
        let thresholds = Thresholds::default();
        let concluded = validation::Event::Concluded { version: parsed, confidence, verdict, report, thresholds };
        self.validation_event(number, version, concluded).await;
    }

    /// Two runs of the samples of `version` that agreed as far as the last of `attempts` says.
    pub async fn cross_check(&self, number: usize, version: &str, attempts: &[u16]) {
        let check = validation::CrossCheck { samples: 3, attempts: attempts.to_vec() };
        let event = validation::Event::CrossChecked { version: version.parse().unwrap(), check };
        self.validation_event(number, version, event).await;
    }

    /// Submits, validates and approves `version`.
    pub async fn publish(&self, number: usize, version: &str, confidence: u8) {
        self.submit(number, version).await;
        self.validate(number, version, confidence, Verdict::Approve).await;
        self.approve(number, version, Some(confidence)).await;
    }

    pub async fn installation_event(&self, number: usize, who: usize, event: installation::Event) {
        let id = InstallationId::of(user(who), plugin(number));
        self.emit(StreamId::of(Category::Installation, id), event, Some(plugin(number)), Some(vendor(0))).await;
    }

    pub async fn install(&self, number: usize, who: usize, version: &str, first: bool) {
        let event = installation::Event::Installed {
            user_id: user(who),
            plugin_id: plugin(number),
            vendor_id: vendor(0),
            version: version.parse().unwrap(),
            license_id: None,
            first,
            checked: installation::Checked { plugin_version: 0, license_version: None },
        };
        self.installation_event(number, who, event).await;
    }

    /// An execution that ended well (0, 1), by the plugin's fault (2, 4) or by another's (3).
    pub async fn executed(&self, number: usize, who: usize, outcome: usize) {
        let execution = Execution {
            user_id: user(who),
            plugin_id: plugin(number),
            vendor_id: vendor(0),
            version: "1.0.0".parse().unwrap(),
            digest: "ab".repeat(32),
            mode: execution::Mode::Sync,
            seed: 1,
            license_id: None,
        };
        let version = execution.version.clone();
        let usage = execution::Usage { duration_ms: 1, cpu_ms: 1, memory_bytes: 1 };
        let checked = execution::Checked { plugin_version: 0, installation_version: 0, license_version: None };
        let failed = |code: &str, fault| execution::Failure { code: code.to_owned(), fault, usage };
        let ended = match outcome {
            2 => execution::Event::Failed { version, failure: failed("trapped", execution::Fault::Plugin) },
            3 => execution::Event::Failed { version, failure: failed("plugin_failed", execution::Fault::Caller) },
            4 => execution::Event::Failed { version, failure: failed("time_exceeded", execution::Fault::Plugin) },
            _ => execution::Event::Succeeded {
                version,
                success: execution::Success { output_digest: "cd".repeat(32), output_size: 2, usage },
            },
        };
        let head = usize::try_from(self.log.head().await.unwrap()).unwrap();
        let stream = StreamId::new(Category::Execution, uuid(8, head));
        for event in [execution::Event::Started { execution, checked }, ended] {
            self.emit(stream, event, Some(plugin(number)), Some(vendor(0))).await;
        }
    }

    pub async fn review_event(&self, number: usize, who: usize, event: review::Event) {
        let id = ReviewId::of(user(who), plugin(number));
        self.emit(StreamId::of(Category::Review, id), event, Some(plugin(number)), Some(vendor(0))).await;
    }

    pub async fn review(&self, number: usize, who: usize, stars: u8) {
        let event = review::Event::Submitted {
            user_id: user(who),
            plugin_id: plugin(number),
            vendor_id: vendor(0),
            rating: rating(stars),
            title: Personal::new(user(who), format!("{stars} stars")),
            body: Personal::new(user(who), "What I think."),
            installed_version: "1.0.0".parse().unwrap(),
        };
        self.review_event(number, who, event).await;
    }

    pub async fn order_event(&self, number: usize, of: usize, event: order::Event) {
        self.emit(StreamId::of(Category::Order, order(number)), event, Some(plugin(of)), Some(vendor(0))).await;
    }

    pub async fn place(&self, number: usize, of: usize, who: usize, amount: i64, currency: &str) {
        let currency = currency.parse().unwrap();
        let event = order::Event::Placed {
            order_id: order(number),
            buyer_id: user(who),
            plugin_id: plugin(of),
            vendor_id: vendor(0),
            amount,
            currency,
            pricing: Pricing::OneTime { amount, currency },
            terms: Terms::default(),
            gateway: Gateway::Manual,
            commission_basis_points: BasisPoints::DEFAULT_COMMISSION,
            subscription: None,
            payout_account: (number % 5 == 3).then(|| format!("acct_{number}")),
            placed_at: "2026-05-04T12:00:00Z".parse().unwrap(),
        };
        self.order_event(number, of, event).await;
    }

    pub async fn pay(&self, number: usize, of: usize, amount: i64, currency: &str) {
        let event = order::Event::PaymentCompleted {
            reference: format!("transfer {number}"),
            names: vec![format!("transfer {number}")],
            amount,
            currency: currency.parse().unwrap(),
            tax: 0,
            commission: BasisPoints::DEFAULT_COMMISSION.of(amount),
            fee: number.is_multiple_of(2).then_some(59),
            country: number.is_multiple_of(3).then(|| "DE".to_owned()),
            paid_at: Some(self.clock.now()),
        };
        self.order_event(number, of, event).await;
    }

    pub async fn refund(
        &self,
        number: usize,
        of: usize,
        (amount, refunded_total): (i64, i64),
        currency: &str,
        full: bool,
    ) {
        let event = order::Event::PaymentRefunded {
            refund_id: None,
            reference: None,
            amount,
            currency: currency.parse().unwrap(),
            refunded_total,
            commission: BasisPoints::DEFAULT_COMMISSION.of(amount),
            tax: 0,
            full,
            reason: "asked for".to_owned(),
            status: if full { OrderStatus::Refunded } else { OrderStatus::PartiallyRefunded },
        };
        self.order_event(number, of, event).await;
    }

    pub async fn license_event(&self, number: usize, of: usize, event: license::Event) {
        let stream = StreamId::of(Category::License, license_of(number));
        self.emit(stream, event, Some(plugin(of)), Some(vendor(0))).await;
    }

    pub async fn issue(&self, number: usize, of: usize, who: usize) {
        let event = license::Event::Issued {
            license_id: license_of(number),
            order_id: order(number),
            subscription_id: None,
            user_id: user(who),
            plugin_id: plugin(of),
            vendor_id: vendor(0),
            kind: LicenseKind::Perpetual,
            terms: Terms::default(),
            expires_at: None,
        };
        self.license_event(number, of, event).await;
    }

    pub async fn activate(&self, number: usize, of: usize, fingerprint: &str, now: DateTime<Utc>) {
        let label = Personal::new(user(1), format!("my {fingerprint}"));
        let fingerprint = fingerprint.to_owned();
        let event = license::Event::Activated { fingerprint, label, activated_at: now, activations: 1 };
        self.license_event(number, of, event).await;
    }
}

pub fn rating(stars: u8) -> review::Rating {
    review::Rating::try_from(stars).unwrap()
}
