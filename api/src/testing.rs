//! A Souk in memory behind its router, and people who ask it.

mod client;
mod doubles;
mod partner;
mod seller;

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::SecondsFormat;
use serde_json::{Value, json};
use souk_app::{
    App, Context, Ports, Post,
    reactions::{self, ReactionRunner},
    users,
    users::Who,
};
use souk_domain::{
    id::{CommandId, LicenseId},
    user::Role,
    validation::Thresholds,
};
use souk_ledger::MemoryLedger;
use souk_ports::{
    Clock, Position, Random,
    store::{Parked, ReactionStore},
};
use souk_testkit::{
    FaultyLog, LogDirectory, LogFeed, ManualClock, MemoryArtifacts, MemoryCredentials, MemoryIdempotency, MemoryLog,
    MemoryMailer, MemoryNotices, MemoryOutputs, MemoryPartners, MemoryReactions, MemoryWebhookBodies, PlainVault,
    PlainWording, ScriptedSandbox, SeededRandom, ToyGateway, ToyHooks,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::doubles::{FakeProjections, StreamReads, WeakPasswords};
pub use self::{
    client::{Answer, Client, multipart},
    seller::{archive, manifest, skill},
};
use crate::{Api, Metrics, Parts, Settings, router, router::Http};

pub const PASSWORD: &str = "correct horse battery staple";

/// A Souk in memory. Clones are the same Souk.
#[derive(Clone)]
pub struct World(Arc<Inner>);

pub struct Inner {
    pub clock: Arc<ManualClock>,
    pub memory: MemoryLog,
    pub api: Api,
    pub sandbox: Arc<ScriptedSandbox>,
    pub artifacts: Arc<MemoryArtifacts>,
    pub gateway: Arc<ToyGateway>,
    pub mailer: Arc<MemoryMailer>,
    pub ledger: Arc<MemoryLedger>,
    pub hooks: Arc<ToyHooks>,
    log: Arc<FaultyLog>,
    ports: Ports,
    reactions: Arc<MemoryReactions>,
    projections: Arc<FakeProjections>,
    http: Http,
    count: AtomicU64,
}

impl Deref for World {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl World {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(set: impl FnOnce(&mut Settings)) -> Self {
        let clock = Arc::new(ManualClock::default());
        let memory = MemoryLog::new(clock.clone());
        let log = Arc::new(FaultyLog::new(Arc::new(memory.clone())));
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(1));
        let directory = Arc::new(LogDirectory::new(memory.clone()));
        let sandbox = Arc::new(ScriptedSandbox::default());
        let artifacts = Arc::new(MemoryArtifacts::default());
        let gateway = Arc::new(ToyGateway::default());
        let notices = Arc::new(MemoryNotices::new(clock.clone()));
        let mailer = Arc::new(MemoryMailer::default());
        let post =
            Post { mailer: mailer.clone(), wording: Arc::new(PlainWording), site: "https://souk.example".to_owned() };
        let ledger = Arc::new(MemoryLedger::over(log.clone(), &SeededRandom::new(2)).unwrap());
        let hooks = Arc::new(ToyHooks::default());
        let ports = Ports {
            log: log.clone(),
            vault: Arc::new(PlainVault::default()),
            clock: clock.clone(),
            random: random.clone(),
            credentials: Arc::new(MemoryCredentials::default()),
            passwords: Arc::new(WeakPasswords),
            artifacts: artifacts.clone(),
            sandbox: sandbox.clone(),
            malware: None,
            outputs: Arc::new(MemoryOutputs::new(clock.clone())),
            gateways: vec![gateway.clone()],
            partners: Arc::new(MemoryPartners::new(clock.clone())),
            hook_caller: hooks.clone(),
            webhooks: Arc::new(MemoryWebhookBodies::default()),
            notices: notices.clone(),
            outbox: notices,
            post: Some(post),
            directory: directory.clone(),
            timeline: directory,
            ledger: ledger.clone(),
        };
        // Their clock stands still unless a test moves it.
        let settled = souk_app::Settings { orphan_grace: std::time::Duration::ZERO, ..souk_app::Settings::default() };
        let app = App::new(ports.clone(), settled);
        let tokens = souk_auth::Tokens::new([7; 32], "souk", clock.clone(), random.clone());
        let reactions = Arc::new(MemoryReactions::new(clock.clone()));
        let projections = Arc::new(FakeProjections::new(memory.clone()));
        let mut settings = Settings { rate_limits: None, ..Settings::default() };
        settings.duplicate_wait = std::time::Duration::from_millis(50);
        set(&mut settings);
        let api = Api::new(Parts {
            reads: Arc::new(StreamReads { app: app.clone(), log: memory.clone() }),
            app,
            keyring: Arc::new(souk_auth::Keys::new(tokens, random)),
            idempotency: Arc::new(MemoryIdempotency::new(clock.clone())),
            reactions: reactions.clone(),
            projections: projections.clone(),
            metrics: Metrics::install(),
            shutdown: CancellationToken::new(),
            settings,
        });
        let http = router(api.clone());
        let count = AtomicU64::new(1);
        Self(Arc::new(Inner {
            clock,
            memory,
            api,
            sandbox,
            artifacts,
            gateway,
            mailer,
            ledger,
            hooks,
            log,
            ports,
            reactions,
            projections,
            http,
            count,
        }))
    }

    pub fn nobody(&self) -> Client {
        Client::new(self.http.clone())
    }

    pub fn with_token(&self, token: &str) -> Client {
        self.nobody().header("authorization", &format!("Bearer {token}"))
    }

    /// Somebody with an account and the address `name@example.com`.
    pub async fn person(&self, name: &str) -> Person {
        let body = json!({"email": format!("{name}@example.com"), "password": PASSWORD, "displayName": name});
        let answer = self.nobody().post("/auth/register", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let text = |field: &str| answer.body.pointer(field).and_then(Value::as_str).unwrap().to_owned();
        let client = self.with_token(&text("/accessToken"));
        Person { client, id: text("/user/id"), refresh_token: text("/refreshToken") }
    }

    /// Lets every reaction answer everything, until nothing more comes of it.
    pub async fn settle(&self) {
        let cancel = CancellationToken::new();
        let feed = Arc::new(LogFeed(self.log.clone()));
        let (app, store) = (Arc::new(self.api.app.clone()), self.reactions.clone());
        let runner = ReactionRunner::spawn(app, feed, store, Uuid::from_u128(7), cancel.clone());
        for _ in 0..2_000 {
            let head = self.memory.events().len() as u64;
            if runner.status().iter().all(|status| status.leading && status.position == head) {
                cancel.cancel();
                runner.join().await;
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("the reactions did not settle: {:?}", runner.status());
    }

    fn number(&self) -> u64 {
        self.count.fetch_add(1, Ordering::SeqCst)
    }

    fn operator(&self) -> Context {
        Context::operator(CommandId::new(Uuid::from_u128(self.number().into())))
    }

    async fn with_role(&self, name: &str, role: Role) -> Person {
        let person = self.person(&format!("{name}-{}", self.number())).await;
        self.grant(&person, role).await;
        person
    }

    pub async fn grant(&self, person: &Person, role: Role) {
        let who = Who::Id(person.id.parse().unwrap());
        users::grant_role(&self.api.app, &self.operator(), &who, role).await.unwrap();
    }

    pub async fn admin(&self) -> Person {
        self.with_role("admin", Role::Admin).await
    }

    pub async fn moderator(&self) -> Person {
        self.with_role("moderator", Role::Moderator).await
    }

    /// A verified vendor and its owner.
    pub async fn seller(&self, slug: &str) -> Seller {
        let person = self.person(&format!("owner-of-{slug}")).await;
        let answer = person.post("/vendors", json!({"name": slug, "slug": slug})).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let vendor = answer.body["id"].as_str().unwrap().to_owned();
        let verified = self.admin().await.post(&format!("/vendors/{vendor}/verify"), json!({})).await;
        assert_eq!(verified.status, 200, "{}", verified.text);
        Seller { person, vendor, world: self.clone() }
    }

    /// A plugin with one review.
    pub async fn reviewed(&self, plugin: &str) -> Reviewed {
        let seller = self.seller("acme").await;
        seller.published(plugin, "1.0.0").await;
        let author = self.person("author").await;
        assert_eq!(author.post(&format!("/plugins/{plugin}/install"), json!({})).await.status, 201);
        let body = json!({"rating": 4, "title": "Good", "body": "It reads logs."});
        let review = author.put(&format!("/plugins/{plugin}/reviews/mine"), body).await;
        Reviewed { author, id: review.body["id"].as_str().unwrap().to_owned(), seller }
    }

    /// A paid plugin that somebody ordered.
    pub async fn ordered(&self, plugin: &str) -> Ordered {
        let seller = self.seller("acme").await;
        seller.paid(plugin, "1.0.0").await;
        let buyer = self.person("buyer").await;
        let answer = buyer.post("/orders", json!({"plugin": plugin, "gateway": "manual"})).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        Ordered { buyer, order: answer.body["id"].as_str().unwrap().to_owned(), seller }
    }

    /// A paid plugin that so many bought, of the vendor `acme`.
    pub async fn sold(&self, plugin: &str, times: usize) -> Sold {
        let seller = self.seller("acme").await;
        seller.paid(plugin, "1.0.0").await;
        let admin = self.admin().await;
        for number in 0..times {
            let buyer = self.person(&format!("buyer-{number}")).await;
            let order = buyer.post("/orders", json!({"plugin": plugin, "gateway": "manual"})).await;
            let path = format!("/orders/{}/payments", order.body["id"].as_str().unwrap());
            let paid = admin.post(&path, json!({"reference": format!("bank-{number}")})).await;
            assert_eq!(paid.status, 200, "{}", paid.text);
        }
        Sold { seller }
    }

    /// A paid plugin that somebody has a license of.
    pub async fn licensed(&self, plugin: &str) -> Licensed {
        let Ordered { buyer, order, seller } = self.ordered(plugin).await;
        let body = json!({"reference": "bank-1"});
        let paid = self.admin().await.post(&format!("/orders/{order}/payments"), body).await;
        assert_eq!(paid.status, 200, "{}", paid.text);
        self.react("licensing", "payment.completed", &self.api.app).await;
        let license = LicenseId::of(order.parse().unwrap());
        let key = souk_app::licenses::key(&self.api.app, license, 0);
        Licensed { holder: buyer, license, key, seller }
    }

    /// Lets `reaction` answer the last event of type `event`, as an operator does who tries a parked event again.
    async fn react(&self, reaction: &str, event: &str, app: &App) {
        let events = self.memory.events();
        let position = events.iter().rev().find(|found| found.event_type == event).unwrap().position;
        self.park(reaction, position).await;
        reactions::retry_parked(app, self.reactions.as_ref(), reaction, position).await.unwrap();
    }

    pub async fn park(&self, reaction: &str, position: Position) {
        let event = Uuid::from_u128(position.into());
        let parked =
            Parked { reaction: reaction.to_owned(), position, event, reason: "a test".to_owned(), attempts: 3 };
        self.reactions.park(parked).await.unwrap();
    }

    /// An application whose validations end as `thresholds` say.
    fn app_with(&self, thresholds: Thresholds) -> App {
        App::new(self.ports.clone(), souk_app::Settings { thresholds, ..souk_app::Settings::default() })
    }

    pub fn clock_text(&self) -> String {
        self.clock.now().to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    pub fn stop_projection(&self, name: &str, position: Position) {
        self.projections.stop(name, position);
    }

    pub fn set_projection_position(&self, position: Position) {
        self.projections.set_position(position);
    }

    pub fn log_is_down(&self) {
        self.log.set_down(true);
    }

    pub fn log_is_up(&self) {
        self.log.set_down(false);
    }

    /// How often this was recorded.
    pub fn count(&self, event_type: &str) -> usize {
        self.memory.events().iter().filter(|event| event.event_type == event_type).count()
    }
}

/// Somebody with an account.
pub struct Person {
    client: Client,
    pub id: String,
    pub refresh_token: String,
}

impl Deref for Person {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// A verified vendor and its owner.
pub struct Seller {
    pub person: Person,
    pub vendor: String,
    world: World,
}

pub struct Reviewed {
    pub author: Person,
    pub id: String,
    pub seller: Seller,
}

pub struct Ordered {
    pub buyer: Person,
    pub order: String,
    pub seller: Seller,
}

pub struct Sold {
    pub seller: Seller,
}

impl Sold {
    /// Its vendor's owner, signed in anew: tokens do not outlive what money waits for.
    pub async fn owner(&self) -> Client {
        let world = &self.seller.world;
        let body = json!({"email": "owner-of-acme@example.com", "password": PASSWORD});
        let answer = world.nobody().post("/auth/login", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        world.with_token(answer.body["accessToken"].as_str().unwrap())
    }

    /// Has all paid out that was earned, once nothing is held back; the payout's id.
    pub async fn payout(&self) -> String {
        self.seller.world.clock.advance(std::time::Duration::from_secs(8 * 24 * 60 * 60));
        let path = format!("/vendors/{}/payouts", self.seller.vendor);
        let answer = self.owner().await.post(&path, json!({"currency": "USD"})).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.body["id"].as_str().unwrap().to_owned()
    }
}

pub struct Licensed {
    pub holder: Person,
    pub license: LicenseId,
    pub key: String,
    pub seller: Seller,
}
