//! What use cases work with.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use souk_domain::{id::UserId, money::Currency, validation::Thresholds};
use souk_ports::{
    ArtifactStore, Clock, Directory, EventLog, Ledger, Mailer, Notices, Outbox, Passwords, Random, Timeline, Vault,
    Wording,
    malware::MalwareScanner,
    partner::{HookCaller, PartnerStore},
    payment::PaymentGateway,
    sandbox::{Grants, Sandbox},
    store::{Credentials, Outputs, WebhookBodies},
};
use souk_signing::SecretKey;
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::{
    AppError,
    diff::Comparisons,
    executions::{Gate, Runnables},
    following::Following,
    memory::Memories,
    partners::Delivering,
    public::{Mapper, PublicFeed},
    traffic::Looks,
    validation::Pipeline,
};

/// The outside.
#[derive(Clone)]
pub struct Ports {
    /// The event log.
    pub log: Arc<dyn EventLog>,
    /// Keys of persons.
    pub vault: Arc<dyn Vault>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Password hashes, tokens, API key hashes.
    pub credentials: Arc<dyn Credentials>,
    /// Password hashing.
    pub passwords: Arc<dyn Passwords>,
    /// Archives and reports.
    pub artifacts: Arc<dyn ArtifactStore>,
    /// Where plugins run.
    pub sandbox: Arc<dyn Sandbox>,
    /// Who knows malware; none where nobody is asked.
    pub malware: Option<Arc<dyn MalwareScanner>>,
    /// What executions answered.
    pub outputs: Arc<dyn Outputs>,
    /// Ways to be paid, beside transfers that an admin sees.
    pub gateways: Vec<Arc<dyn PaymentGateway>>,
    /// What payment gateways sent.
    pub webhooks: Arc<dyn WebhookBodies>,
    /// Inboxes and what persons want to hear of.
    pub notices: Arc<dyn Notices>,
    /// Mails that wait.
    pub outbox: Arc<dyn Outbox>,
    /// How mails are written and sent; none where that is not configured, and then none wait.
    pub post: Option<Post>,
    /// What is kept of partners beside their events.
    pub partners: Arc<dyn PartnerStore>,
    /// What calls their webhooks.
    pub hook_caller: Arc<dyn HookCaller>,
    /// Ids that read models suggest.
    pub directory: Arc<dyn Directory>,
    /// Histories of plugins.
    pub timeline: Arc<dyn Timeline>,
    /// Signed trees over all events.
    pub ledger: Arc<dyn Ledger>,
}

/// How mails are written and sent.
#[derive(Clone)]
pub struct Post {
    /// Sends them.
    pub mailer: Arc<dyn Mailer>,
    /// Writes them.
    pub wording: Arc<dyn Wording>,
    /// Where others find this Souk, e.g. `https://souk.example`.
    pub site: String,
}

/// What can be set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// From which confidence on a version is approved or escalated.
    pub thresholds: Thresholds,
    /// How long a reservation may wait for its holder before it counts as orphaned.
    pub orphan_grace: Duration,
    /// How many streams of one kind are remembered.
    pub cached_streams: usize,
    /// How old a remembered state of another stream may be when a command is decided by it. What this process wrote it knows at
    /// once; this is about other processes. A refusal is always checked first.
    pub fact_age: Duration,
    /// The largest artifact, bytes.
    pub max_artifact: usize,
    /// What plugins may have, of what they declare.
    pub grants: Grants,
    /// How subscriptions are dunned, and vendors paid.
    pub money: Money,
    /// How webhooks of partners are called.
    pub delivering: Delivering,
    /// Where others find this Souk; public events name it.
    pub public_url: Option<String>,
    /// Executions at once; what the sandbox runs beyond is for the samples of versions.
    pub executions: usize,
}

/// How subscriptions are dunned, and vendors paid.
#[derive(Clone, Debug)]
pub struct Money {
    /// How long before the end of an interval its renewal can be paid, where no gateway runs the subscription.
    pub renewal_notice: Duration,
    /// How long an unpaid subscription is waited for before it is over, where no gateway runs it.
    pub dunning: Duration,
    /// How long a license outlives the interval that a gateway is about to be paid for: gateways take an hour and more.
    pub renewal_grace: Duration,
    /// How long a vendor's share of a payment is held back.
    pub hold: Duration,
    /// The least that is paid out, in units of the currency (not minor units), where `minimum_payouts` has none.
    pub minimum_payout: i64,
    /// The same by currency, minor units.
    pub minimum_payouts: BTreeMap<Currency, i64>,
}

impl Default for Money {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            renewal_notice: 7 * DAY,
            dunning: 14 * DAY,
            renewal_grace: DAY,
            hold: 7 * DAY,
            minimum_payout: 50,
            minimum_payouts: BTreeMap::new(),
        }
    }
}

impl Money {
    /// The least that is paid out in `currency`, minor units.
    #[must_use]
    pub fn minimum(&self, currency: Currency) -> i64 {
        let unit = 10_i64.saturating_pow(currency.exponent().into());
        self.minimum_payouts.get(&currency).copied().unwrap_or_else(|| self.minimum_payout.saturating_mul(unit))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            thresholds: Thresholds::default(),
            orphan_grace: Duration::from_secs(30),
            cached_streams: 10_000,
            fact_age: Duration::from_millis(250),
            max_artifact: 64 * 1024 * 1024,
            grants: Grants::default(),
            money: Money::default(),
            delivering: Delivering::default(),
            public_url: None,
            executions: 6,
        }
    }
}

/// The use cases' common ground: ports, settings, and the recent states of streams.
#[derive(Clone)]
pub struct App {
    pub(crate) ports: Ports,
    pub(crate) settings: Settings,
    pub(crate) memories: Arc<Memories>,
    pub(crate) following: Arc<Following>,
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) runnables: Arc<Runnables>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) comparisons: Arc<Comparisons>,
    pub(crate) looks: Arc<Looks>,
    pub(crate) public: Arc<PublicFeed>,
    /// Accounts that were erased since this process began: their access tokens are good no more.
    pub(crate) gone: Arc<RwLock<HashSet<UserId>>>,
    /// Drawn at random when it began.
    pub(crate) process: Uuid,
    /// Signs release records.
    pub(crate) signer: Arc<SecretKey>,
    decoy_hash: Arc<OnceCell<String>>,
}

impl App {
    /// An application over `ports`.
    #[must_use]
    pub fn new(ports: Ports, settings: Settings) -> Self {
        let memories = Arc::new(Memories::new(settings.cached_streams));
        let executions = settings.executions;
        // Derived, so that every process of one Souk signs with the same key and none has to be handed around.
        let signer = Arc::new(SecretKey::from_seed(ports.vault.derived_secret("release-record")));
        let process = ports.random.uuid();
        let mapper = Mapper::new(ports.vault.as_ref(), settings.public_url.as_deref());
        let public = Arc::new(PublicFeed::new(Arc::clone(&ports.log), mapper));
        Self {
            ports,
            settings,
            memories,
            following: Arc::default(),
            pipeline: Arc::new(Pipeline::standard()),
            runnables: Arc::default(),
            gate: Arc::new(Gate::new(executions)),
            comparisons: Arc::default(),
            looks: Arc::default(),
            public,
            gone: Arc::default(),
            process,
            signer,
            decoy_hash: Arc::default(),
        }
    }

    /// The same, validating with another pipeline than the standard one.
    #[must_use]
    pub fn with_pipeline(self, pipeline: Pipeline) -> Self {
        Self { pipeline: Arc::new(pipeline), ..self }
    }

    /// The outside.
    #[must_use]
    pub const fn ports(&self) -> &Ports {
        &self.ports
    }

    /// Public events.
    #[must_use]
    pub const fn public(&self) -> &Arc<PublicFeed> {
        &self.public
    }

    /// Whether this process heard that `user` is erased, or about to be.
    #[must_use]
    pub fn is_gone(&self, user: UserId) -> bool {
        self.gone.read().unwrap_or_else(PoisonError::into_inner).contains(&user)
    }

    pub(crate) fn is_going(&self, user: UserId) {
        self.gone.write().unwrap_or_else(PoisonError::into_inner).insert(user);
    }

    /// What was set.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The hash of a password that nobody has: checking against it takes as long as checking a real one.
    pub(crate) async fn decoy_hash(&self) -> Result<&str, AppError> {
        let make = async || self.ports.passwords.hash(&self.ports.random.uuid().to_string()).await;
        Ok(self.decoy_hash.get_or_try_init(make).await?)
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("settings", &self.settings).finish_non_exhaustive()
    }
}
