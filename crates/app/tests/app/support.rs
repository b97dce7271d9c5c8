//! A shop in memory, and the people in it.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use serde_json::json;
use souk_app::{
    App, AppError, Context, Done, Ports, Post, Settings,
    plugins::{self, CreatePlugin, PluginRef, PluginVersion, SubmitVersion},
    reactions::ReactionRunner,
    users::{self, Register},
    vendors::{self, RegisterVendor},
};
use souk_domain::{
    event::DomainEvent,
    id::{CommandId, PluginId, UserId},
    listing::{Details, Kind, Pricing, Terms},
    plugin::Plugin,
    stream::StreamId,
    user::Role,
    validation::{Ruling, Verdict},
    vendor::Vendor,
};
use souk_ledger::MemoryLedger;
use souk_ports::{EventLog, MalwareScanner, PaymentGateway, RecordedEvent, store::ReactionStore};
use souk_testkit::{
    FaultyLog, LogDirectory, LogFeed, ManualClock, MemoryArtifacts, MemoryCredentials, MemoryLog, MemoryNotices,
    MemoryOutputs, MemoryPartners, MemoryReactions, MemoryWebhookBodies, ScriptedSandbox, SeededRandom, ToyHooks,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::doubles::{HidingVault, WeakPasswords};

/// Everything outside of the application, shared by the applications over it.
pub struct World {
    pub clock: Arc<ManualClock>,
    pub memory: MemoryLog,
    pub log: Arc<FaultyLog>,
    pub vault: Arc<HidingVault>,
    pub directory: Arc<LogDirectory>,
    pub credentials: Arc<MemoryCredentials>,
    pub artifacts: Arc<MemoryArtifacts>,
    pub store: Arc<MemoryReactions>,
    pub sandbox: Arc<ScriptedSandbox>,
    pub outputs: Arc<MemoryOutputs>,
    /// Asked by processes that are made after it was set.
    pub scanner: OnceLock<Arc<dyn MalwareScanner>>,
    /// Known to processes that are made after it was set.
    pub gateways: OnceLock<Vec<Arc<dyn PaymentGateway>>>,
    pub webhooks: Arc<MemoryWebhookBodies>,
    pub notices: Arc<MemoryNotices>,
    /// Known to processes that are made after it was set.
    pub post: OnceLock<Post>,
    pub partners: Arc<MemoryPartners>,
    /// What the leases of webhooks are measured by: elsewhere that is the database's clock.
    pub leases: Arc<ManualClock>,
    pub hooks: Arc<ToyHooks>,
    commands: AtomicU64,
}

/// What a moderator says who did not hear of an appeal.
pub fn ruling(verdict: Verdict) -> Ruling {
    Ruling { verdict, reason: "I looked at it.".into(), on_appeal: false }
}

/// What a moderator answers to an appeal.
pub fn answer(verdict: Verdict) -> Ruling {
    Ruling { on_appeal: true, ..ruling(verdict) }
}

impl World {
    pub fn new() -> Self {
        let clock = Arc::new(ManualClock::default());
        let leases = Arc::new(ManualClock::default());
        let memory = MemoryLog::new(clock.clone());
        Self {
            memory: memory.clone(),
            log: Arc::new(FaultyLog::new(Arc::new(memory.clone()))),
            vault: Arc::default(),
            directory: Arc::new(LogDirectory::new(memory)),
            credentials: Arc::default(),
            artifacts: Arc::default(),
            store: Arc::new(MemoryReactions::new(clock.clone())),
            sandbox: Arc::default(),
            outputs: Arc::new(MemoryOutputs::new(clock.clone())),
            scanner: OnceLock::new(),
            gateways: OnceLock::new(),
            webhooks: Arc::default(),
            notices: Arc::new(MemoryNotices::new(clock.clone())),
            post: OnceLock::new(),
            partners: Arc::new(MemoryPartners::new(leases.clone())),
            leases,
            hooks: Arc::default(),
            clock,
            commands: AtomicU64::new(1),
        }
    }

    /// One more process over the same outside.
    pub fn app(&self) -> Arc<App> {
        self.app_with(|_| {})
    }

    pub fn app_with(&self, set: impl FnOnce(&mut Settings)) -> Arc<App> {
        // What this process remembers counts for ever unless it is checked: staleness shows at once.
        let mut settings =
            Settings { fact_age: Duration::from_secs(3600), orphan_grace: Duration::ZERO, ..Settings::default() };
        set(&mut settings);
        self.process(self.log.clone(), settings)
    }

    /// A process with a connection of its own to the log.
    pub fn app_on(&self, log: Arc<dyn EventLog>) -> Arc<App> {
        self.process(log, Settings::default())
    }

    fn process(&self, log: Arc<dyn EventLog>, settings: Settings) -> Arc<App> {
        let ports = Ports {
            ledger: Arc::new(MemoryLedger::over(log.clone(), &SeededRandom::new(0)).unwrap()),
            log,
            vault: self.vault.clone(),
            clock: self.clock.clone(),
            random: Arc::new(SeededRandom::new(self.commands.fetch_add(1, Ordering::SeqCst))),
            credentials: self.credentials.clone(),
            passwords: Arc::new(WeakPasswords),
            artifacts: self.artifacts.clone(),
            sandbox: self.sandbox.clone(),
            malware: self.scanner.get().cloned(),
            outputs: self.outputs.clone(),
            gateways: self.gateways.get().cloned().unwrap_or_default(),
            webhooks: self.webhooks.clone(),
            notices: self.notices.clone(),
            outbox: self.notices.clone(),
            post: self.post.get().cloned(),
            partners: self.partners.clone(),
            hook_caller: self.hooks.clone(),
            directory: self.directory.clone(),
            timeline: self.directory.clone(),
        };
        Arc::new(App::new(ports, settings))
    }

    /// A command id that nobody has used.
    pub fn command(&self) -> CommandId {
        CommandId::new(Uuid::from_u128(u128::from(self.commands.fetch_add(1, Ordering::SeqCst))))
    }

    pub fn anonymous(&self) -> Context {
        Context::anonymous(self.command())
    }

    pub fn operator(&self) -> Context {
        Context::operator(self.command())
    }

    pub fn as_user(&self, user: UserId) -> Context {
        Context::user(user, BTreeSet::from([Role::Customer]), self.command())
    }

    pub fn as_role(&self, user: UserId, role: Role) -> Context {
        Context::user(user, BTreeSet::from([Role::Customer, role]), self.command())
    }

    pub fn types(&self) -> Vec<String> {
        self.memory.events().into_iter().map(|event| event.event_type).collect()
    }

    pub fn events_of(&self, event_type: &str) -> Vec<RecordedEvent> {
        self.memory.events().into_iter().filter(|event| event.event_type == event_type).collect()
    }

    pub fn count(&self, event_type: &str) -> usize {
        self.events_of(event_type).len()
    }

    pub async fn user(&self, app: &App, name: &str) -> UserId {
        let input = Register {
            email: format!("{name}@people.example").into(),
            password: "correct horse".into(),
            display_name: name.into(),
        };
        users::register(app, &self.anonymous(), input).await.unwrap().value.id
    }

    /// A verified vendor and its owner.
    pub async fn vendor(&self, app: &App, slug: &str) -> (UserId, Vendor) {
        let owner = self.user(app, &format!("owner-of-{slug}")).await;
        let input = RegisterVendor { name: slug.to_owned(), slug: slug.to_owned(), owner: None };
        let vendor = vendors::register(app, &self.as_user(owner), input).await.unwrap().value;
        let vendor = vendors::verify(app, &self.operator(), vendor.id).await.unwrap().value;
        (owner, vendor)
    }

    pub async fn plugin(&self, app: &App, owner: UserId, name: &str, pricing: Pricing) -> Plugin {
        self.create(app, owner, name, pricing).await.unwrap().value
    }

    pub async fn create(
        &self,
        app: &App,
        owner: UserId,
        name: &str,
        pricing: Pricing,
    ) -> Result<Done<Plugin>, AppError> {
        plugins::create(app, &self.as_user(owner), listing(name, pricing)).await
    }

    pub async fn submit(&self, app: &App, owner: UserId, plugin: PluginId, version: &str) -> Done<PluginVersion> {
        plugins::submit_version(app, &self.as_user(owner), &plugin.into(), submission(version)).await.unwrap()
    }

    /// Validated by hand and approved by a moderator, without any reaction.
    pub async fn approve(&self, app: &App, plugin: PluginId, version: &str) {
        let version = version.parse().unwrap();
        let listed = plugins::get(app, &plugin.into()).await.unwrap().value;
        self.conclude(plugin, &version, &listed.versions[&version].digest).await;
        plugins::judge(app, &self.operator(), &plugin.into(), &version, &ruling(Verdict::Approve)).await.unwrap();
    }

    /// Writes a validation that leaves the verdict to a human.
    pub async fn conclude(&self, plugin: PluginId, version: &semver::Version, digest: &str) {
        use souk_domain::{
            id::ValidationId,
            stream::Category,
            validation::{Event, Outcome, Step, Thresholds},
        };
        let version = version.clone();
        let id = ValidationId::of(plugin, &version);
        let step =
            Step { name: "hand".into(), outcome: Outcome::Passed, penalty: 20, findings: vec![], finding_count: 0 };
        let events = [
            Event::Requested {
                validation_id: id,
                plugin_id: plugin,
                version: version.clone(),
                digest: digest.to_owned(),
                kind: Kind::Asset,
                pipeline: vec!["hand".into()],
            },
            Event::StepCompleted { version: version.clone(), step },
            Event::Concluded {
                version,
                confidence: 80,
                verdict: Verdict::Escalate,
                report: "0".repeat(64),
                thresholds: Thresholds::default(),
            },
        ];
        self.append(StreamId::of(Category::Validation, id), Some(plugin), events.map(DomainEvent::from)).await;
    }

    /// Writes events behind what the stream has, as somebody else would.
    pub async fn append<const N: usize>(&self, stream: StreamId, plugin: Option<PluginId>, events: [DomainEvent; N]) {
        let metadata = json!({
            "actor": { "kind": "system", "id": null, "role": null },
            "commandId": self.command(), "$correlationId": Uuid::nil(), "$causationId": Uuid::nil(), "pluginId": plugin,
        });
        let events = events.into_iter().map(|event| {
            let encoded = event.encode();
            souk_ports::NewEvent {
                id: self.command().uuid(),
                event_type: encoded.event_type,
                schema_version: encoded.schema_version,
                data: encoded.data.to_string().into(),
                metadata: metadata.to_string().into(),
            }
        });
        let behind = self.memory.read_stream(stream, 0, 1_000).await.unwrap().pop();
        let expected =
            behind.map_or(souk_ports::Expected::NoStream, |last| souk_ports::Expected::Version(last.version));
        self.memory.append(stream, expected, events.collect()).await.unwrap();
    }

    /// A plugin with an approved version 1.0.0.
    pub async fn published(&self, app: &App, owner: UserId, name: &str, pricing: Pricing) -> Plugin {
        let plugin = self.plugin(app, owner, name, pricing).await;
        self.submit(app, owner, plugin.id, "1.0.0").await;
        self.approve(app, plugin.id, "1.0.0").await;
        plugins::get(app, &PluginRef::Id(plugin.id)).await.unwrap().value
    }

    pub fn react(&self, app: &Arc<App>) -> Running {
        let cancel = CancellationToken::new();
        let feed = Arc::new(LogFeed(self.log.clone()));
        let store: Arc<dyn ReactionStore> = self.store.clone();
        Running {
            runner: ReactionRunner::spawn(app.clone(), feed, store, app.ports().random.uuid(), cancel.clone()),
            cancel,
        }
    }
}

/// Reactions that run until the test stops them.
pub struct Running {
    pub runner: ReactionRunner,
    pub cancel: CancellationToken,
}

impl Running {
    /// Waits until every reaction is done with everything, and nothing more came of it.
    pub async fn settle(&self, world: &World) {
        for _ in 0..2_000 {
            let head = world.memory.events().len() as u64;
            if self.runner.status().iter().all(|status| status.leading && status.position == head) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the reactions did not settle: {:?}", self.runner.status());
    }

    pub async fn stop(self) {
        self.cancel.cancel();
        self.runner.join().await;
    }
}

pub fn listing(name: &str, pricing: Pricing) -> CreatePlugin {
    CreatePlugin {
        name: name.to_owned(),
        details: Details {
            display_name: "A plugin".into(),
            kind: Kind::Asset,
            summary: "Does things.".into(),
            description: "It does things.".into(),
            category: "tools".into(),
            tags: vec!["one".into()],
            license: "MIT".into(),
            media: vec![],
            complexity: None,
            setup_minutes: None,
            requirements: vec![],
        },
        pricing,
        terms: Terms { max_devices: 2, ..Terms::default() },
        vendor: None,
    }
}

pub fn submission(version: &str) -> SubmitVersion {
    SubmitVersion {
        manifest: json!({ "name": "a", "version": version, "kind": "asset", "summary": "s", "license": "MIT" }),
        artifact: Bytes::from(format!("archive of {version}")),
        signature: None,
    }
}

pub fn paid() -> Pricing {
    Pricing::OneTime { amount: 4_900, currency: "USD".parse().unwrap() }
}

pub fn reason(error: &AppError) -> &'static str {
    match error {
        AppError::Conflict { reason, .. } => reason,
        other => other.code(),
    }
}

impl World {
    /// Whether no reaction gave up on an event.
    pub async fn store_is_clean(&self) -> bool {
        self.store.parked(None).await.unwrap().is_empty()
    }
}
