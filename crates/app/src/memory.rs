//! Recent states of streams, and the queue of commands on each.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use quick_cache::sync::Cache;
use souk_domain::{
    decider::Decider,
    download::Downloads,
    execution::Executions,
    id::{CommandId, PluginId, VendorId},
    installation::Installations,
    license::Licenses,
    order::Orders,
    partner::Partners,
    plugin::Plugins,
    reservation::{Emails, Names, PublicKeys, References, Slugs, Trials},
    review::Reviews,
    series::Numbers,
    stream::{Category, StreamId},
    subscription::Subscriptions,
    traffic::Traffic,
    user::Users,
    validation::Validations,
    vendor::Vendors,
    webhook::Webhooks,
};
use souk_ports::Position;
use tokio::{
    sync::{Mutex, MutexGuard},
    time::Instant,
};
use uuid::Uuid;

/// What an event concerns beside its own stream; recorded with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The plugin.
    pub plugin: Option<PluginId>,
    /// The vendor.
    pub vendor: Option<VendorId>,
}

impl About {
    pub(crate) const NOTHING: Self = Self { plugin: None, vendor: None };

    pub(crate) const fn vendor(vendor: VendorId) -> Self {
        Self { plugin: None, vendor: Some(vendor) }
    }

    pub(crate) const fn plugin(plugin: PluginId, vendor: VendorId) -> Self {
        Self { plugin: Some(plugin), vendor: Some(vendor) }
    }
}

/// A stream as it was when it was last read or written.
#[derive(Clone, Debug)]
pub(crate) struct Known<S> {
    pub state: Arc<S>,
    /// Of the last event; none when the stream has none.
    pub version: Option<u64>,
    /// Of the last event; 0 when there is none.
    pub position: Position,
    /// What the first event concerns.
    pub about: About,
    /// Commands that wrote to the stream.
    pub seen: HashMap<CommandId, Trace>,
    /// When the log last confirmed it.
    pub confirmed: Instant,
}

/// What a command left in a stream.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    /// Position of its last event.
    pub position: Position,
    /// Type of its first event.
    pub wrote: Box<str>,
}

impl<S: Default> Known<S> {
    pub(crate) fn nothing() -> Self {
        Self {
            state: Arc::default(),
            version: None,
            position: 0,
            about: About::NOTHING,
            seen: HashMap::new(),
            confirmed: Instant::now(),
        }
    }
}

/// The memory of one stream.
pub(crate) struct Slot<S> {
    known: Mutex<Option<Known<S>>>,
    heard: AtomicU64,
}

impl<S> Slot<S> {
    fn empty() -> Self {
        Self { known: Mutex::new(None), heard: AtomicU64::new(0) }
    }

    /// Whoever has it decides on the stream; the others queue, first come, first served.
    pub(crate) async fn lock(&self) -> MutexGuard<'_, Option<Known<S>>> {
        self.known.lock().await
    }

    /// Position of the latest event of the stream that was heard of; what is known may be older.
    pub(crate) fn heard(&self) -> Position {
        self.heard.load(Ordering::Acquire)
    }
}

/// The memory of the streams of one decider. Losing an entry costs a read; two entries of one stream cost a conflict.
pub(crate) struct Memory<S> {
    slots: Cache<Uuid, Arc<Slot<S>>>,
}

impl<S: Send + Sync + 'static> Memory<S> {
    fn new(capacity: usize) -> Self {
        Self { slots: Cache::new(capacity) }
    }

    pub(crate) fn slot(&self, id: Uuid) -> Arc<Slot<S>> {
        let found = self.slots.get_or_insert_with(&id, || Ok::<_, Infallible>(Arc::new(Slot::empty())));
        found.unwrap_or_else(|never| match never {})
    }

    fn clear(&self) {
        self.slots.clear();
    }

    /// There is an event at `position`. Who remembers nothing of the stream yet will read it after this.
    fn hear(&self, id: Uuid, position: Position) {
        if let Some(slot) = self.slots.get(&id) {
            slot.heard.fetch_max(position, Ordering::AcqRel);
        }
    }
}

/// Every installation asks for a plugin, by its name: as many times as many of these are remembered as of others.
const ASKED_FOR: usize = 5;

/// The memories of all deciders.
pub(crate) struct Memories {
    users: Memory<<Users as Decider>::State>,
    vendors: Memory<<Vendors as Decider>::State>,
    plugins: Memory<<Plugins as Decider>::State>,
    validations: Memory<<Validations as Decider>::State>,
    installations: Memory<<Installations as Decider>::State>,
    executions: Memory<<Executions as Decider>::State>,
    reviews: Memory<<Reviews as Decider>::State>,
    orders: Memory<<Orders as Decider>::State>,
    licenses: Memory<<Licenses as Decider>::State>,
    names: Memory<<Names as Decider>::State>,
    slugs: Memory<<Slugs as Decider>::State>,
    emails: Memory<<Emails as Decider>::State>,
    subscriptions: Memory<<Subscriptions as Decider>::State>,
    downloads: Memory<<Downloads as Decider>::State>,
    numbers: Memory<<Numbers as Decider>::State>,
    webhooks: Memory<<Webhooks as Decider>::State>,
    traffic: Memory<<Traffic as Decider>::State>,
    partners: Memory<<Partners as Decider>::State>,
    references: Memory<<References as Decider>::State>,
    trials: Memory<<Trials as Decider>::State>,
    public_keys: Memory<<PublicKeys as Decider>::State>,
}

impl Memories {
    /// `capacity` streams of each kind; more of those that commands on other streams ask for.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            users: Memory::new(capacity),
            vendors: Memory::new(capacity),
            plugins: Memory::new(capacity * ASKED_FOR),
            validations: Memory::new(capacity),
            installations: Memory::new(capacity),
            executions: Memory::new(capacity),
            reviews: Memory::new(capacity),
            orders: Memory::new(capacity),
            licenses: Memory::new(capacity),
            names: Memory::new(capacity * ASKED_FOR),
            slugs: Memory::new(capacity),
            emails: Memory::new(capacity),
            subscriptions: Memory::new(capacity),
            downloads: Memory::new(capacity),
            numbers: Memory::new(capacity),
            webhooks: Memory::new(capacity),
            traffic: Memory::new(capacity),
            partners: Memory::new(capacity),
            references: Memory::new(capacity),
            trials: Memory::new(capacity),
            public_keys: Memory::new(capacity),
        }
    }

    /// Forgets every state that can hold a personal text: what was erased must not be remembered.
    pub(crate) fn clear_personal(&self) {
        // The others hold nothing of persons but their ids.
        self.users.clear();
        self.reviews.clear();
        self.licenses.clear();
        self.executions.clear();
    }

    /// Says that `stream` has an event at `position`.
    pub(crate) fn hear(&self, stream: StreamId, position: Position) {
        let StreamId { category, uuid } = stream;
        match category {
            Category::User => self.users.hear(uuid, position),
            Category::Vendor => self.vendors.hear(uuid, position),
            Category::Plugin => self.plugins.hear(uuid, position),
            Category::Validation => self.validations.hear(uuid, position),
            Category::Installation => self.installations.hear(uuid, position),
            Category::Execution => self.executions.hear(uuid, position),
            Category::Review => self.reviews.hear(uuid, position),
            Category::Order => self.orders.hear(uuid, position),
            Category::License => self.licenses.hear(uuid, position),
            Category::Name => self.names.hear(uuid, position),
            Category::Slug => self.slugs.hear(uuid, position),
            Category::Email => self.emails.hear(uuid, position),
            Category::Subscription => self.subscriptions.hear(uuid, position),
            Category::Download => self.downloads.hear(uuid, position),
            Category::Invoice => self.numbers.hear(uuid, position),
            Category::Webhook => self.webhooks.hear(uuid, position),
            Category::Traffic => self.traffic.hear(uuid, position),
            Category::Partner => self.partners.hear(uuid, position),
            Category::Reference => self.references.hear(uuid, position),
            Category::Trial => self.trials.hear(uuid, position),
            Category::Key => self.public_keys.hear(uuid, position),
        }
    }
}

/// A decider whose streams are remembered.
pub(crate) trait Remembered: Decider {
    /// Where.
    fn memory(memories: &Memories) -> &Memory<Self::State>;
}

impl Remembered for Executions {
    fn memory(memories: &Memories) -> &Memory<Self::State> {
        &memories.executions
    }
}

impl Remembered for Users {
    fn memory(memories: &Memories) -> &Memory<Self::State> {
        &memories.users
    }
}
impl Remembered for Vendors {
    fn memory(memories: &Memories) -> &Memory<Self::State> {
        &memories.vendors
    }
}
impl Remembered for Plugins {
    fn memory(memories: &Memories) -> &Memory<Self::State> {
        &memories.plugins
    }
}
impl Remembered for Validations {
    fn memory(memories: &Memories) -> &Memory<Self::State> {
        &memories.validations
    }
}
impl Remembered for Installations {
    fn memory(memories: &Memories) -> &Memory<Self::State> {
        &memories.installations
    }
}
impl Remembered for Reviews {
    fn memory(memories: &Memories) -> &Memory<Self::State> {
        &memories.reviews
    }
}
impl Remembered for Orders {
    fn memory(memories: &Memories) -> &Memory<Self::State> {
        &memories.orders
    }
}
impl Remembered for Licenses {
    fn memory(memories: &Memories) -> &Memory<Self::State> {
        &memories.licenses
    }
}
impl Remembered for Names {
    fn memory(memories: &Memories) -> &Memory<Self::State> {
        &memories.names
    }
}
impl Remembered for Slugs {
    fn memory(memories: &Memories) -> &Memory<Self::State> {
        &memories.slugs
    }
}
impl Remembered for Emails {
    fn memory(memories: &Memories) -> &Memory<Self::State> {
        &memories.emails
    }
}
impl Remembered for Subscriptions {
    fn memory(memories: &Memories) -> &Memory<Self::State> {
        &memories.subscriptions
    }
}
impl Remembered for Downloads {
    fn memory(memories: &Memories) -> &Memory<Self::State> {
        &memories.downloads
    }
}
impl Remembered for Numbers {
    fn memory(memories: &Memories) -> &Memory<Self::State> {
        &memories.numbers
    }
}
impl Remembered for Webhooks {
    fn memory(memories: &Memories) -> &Memory<Self::State> {
        &memories.webhooks
    }
}
impl Remembered for Traffic {
    fn memory(memories: &Memories) -> &Memory<Self::State> {
        &memories.traffic
    }
}
impl Remembered for Partners {
    fn memory(memories: &Memories) -> &Memory<Self::State> {
        &memories.partners
    }
}
impl Remembered for References {
    fn memory(memories: &Memories) -> &Memory<Self::State> {
        &memories.references
    }
}
impl Remembered for PublicKeys {
    fn memory(memories: &Memories) -> &Memory<Self::State> {
        &memories.public_keys
    }
}
impl Remembered for Trials {
    fn memory(memories: &Memories) -> &Memory<Self::State> {
        &memories.trials
    }
}
