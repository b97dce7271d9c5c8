//! Doubles that only these tests need.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use serde_json::Value;
use souk_domain::{
    event::DomainEvent,
    id::{LicenseId, PluginId, UserId, VendorId},
    license,
    personal::SEALED_MARKER,
    stream::StreamId,
    vendor,
};
use souk_ports::{
    Directory, DirectoryError, EventFeed, EventLog, FeedBatch, FeedBatches, FeedError, Metadata, Passwords, Position,
    RecordedEvent, Timeline, Vault, VaultError,
    malware::{MalwareError, MalwareScanner, Scan},
    store::StoreError,
};
use souk_testkit::{MemoryLog, PlainVault};
use uuid::Uuid;

/// Password hashing that can be undone.
pub struct WeakPasswords;

#[async_trait]
impl Passwords for WeakPasswords {
    async fn hash(&self, password: &str) -> Result<String, StoreError> {
        Ok(format!("weak:{password}"))
    }

    async fn verify(&self, password: &str, hash: &str) -> bool {
        hash == format!("weak:{password}")
    }
}

type Knowledge = Box<dyn Fn(&[u8]) -> Result<Scan, MalwareError> + Send>;

/// A scanner that knows what a test says; at first nothing bad.
pub struct Scanner(Mutex<Knowledge>);

impl Default for Scanner {
    fn default() -> Self {
        Self(Mutex::new(Box::new(|_| Ok(Scan::Clean))))
    }
}

impl Scanner {
    pub fn learn(&self, knowledge: impl Fn(&[u8]) -> Result<Scan, MalwareError> + Send + 'static) {
        *self.0.lock().unwrap() = Box::new(knowledge);
    }
}

#[async_trait]
impl MalwareScanner for Scanner {
    async fn scan(&self, bytes: Bytes) -> Result<Scan, MalwareError> {
        (self.0.lock().unwrap())(&bytes)
    }

    async fn version(&self) -> Result<String, MalwareError> {
        Ok("Scanner of tests 1".to_owned())
    }
}

/// Suggestions straight from the log; while it lags, only for who waits for the head.
pub struct LogDirectory {
    pub log: MemoryLog,
    pub lags: AtomicBool,
}

impl LogDirectory {
    fn events(&self, at_least: Position) -> Vec<RecordedEvent> {
        if self.lags.load(Ordering::SeqCst) && at_least == 0 { Vec::new() } else { self.log.events() }
    }
}

fn decode(recorded: &RecordedEvent) -> DomainEvent {
    DomainEvent::decode_bytes(&recorded.event_type, recorded.schema_version, &recorded.data).unwrap()
}

#[async_trait]
impl Directory for LogDirectory {
    async fn vendors_of(&self, owner: UserId, at_least: Position) -> Result<Vec<VendorId>, DirectoryError> {
        let registered = |recorded: &RecordedEvent| match decode(recorded) {
            DomainEvent::Vendor(vendor::Event::Registered { vendor_id, owner_id, .. }) if owner_id == owner => {
                Some(vendor_id)
            }
            _ => None,
        };
        Ok(self.events(at_least).iter().filter_map(registered).collect())
    }

    async fn licenses_of(
        &self,
        holder: UserId,
        plugin: PluginId,
        at_least: Position,
    ) -> Result<Vec<LicenseId>, DirectoryError> {
        let issued = |recorded: &RecordedEvent| match decode(recorded) {
            DomainEvent::License(license::Event::Issued { license_id, user_id, plugin_id, .. })
                if (user_id, plugin_id) == (holder, plugin) =>
            {
                Some(license_id)
            }
            _ => None,
        };
        Ok(self.events(at_least).iter().rev().filter_map(issued).collect())
    }
}

#[async_trait]
impl Timeline for LogDirectory {
    async fn page(
        &self,
        plugin: PluginId,
        after: Position,
        limit: usize,
        at_least: Position,
    ) -> Result<Vec<Position>, DirectoryError> {
        let of_plugin = |recorded: &RecordedEvent| {
            let metadata: Metadata = serde_json::from_slice(&recorded.metadata).unwrap();
            (metadata.plugin_id == Some(plugin) && recorded.position > after).then_some(recorded.position)
        };
        Ok(self.events(at_least).iter().filter_map(of_plugin).take(limit).collect())
    }
}

/// Seals so that no test finds the text in the bytes of the log.
#[derive(Default)]
pub struct HidingVault(pub PlainVault);

fn hide(value: Value) -> Value {
    walk(value, &|plain| Value::String(plain.to_string().bytes().map(|byte| format!("{:02x}", byte ^ 0x5a)).collect()))
}

fn reveal(value: Value) -> Value {
    walk(value, &|hidden| {
        let text = hidden.as_str().unwrap();
        let bytes = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap() ^ 0x5a);
        serde_json::from_slice(&bytes.collect::<Vec<_>>()).unwrap()
    })
}

fn walk(value: Value, change: &dyn Fn(&Value) -> Value) -> Value {
    match value {
        Value::Object(mut fields) if fields.contains_key(SEALED_MARKER) => {
            if let Some(plain) = fields.get_mut("plain") {
                *plain = change(plain);
            }
            Value::Object(fields)
        }
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, walk(value, change))).collect(),
        Value::Array(items) => items.into_iter().map(|item| walk(item, change)).collect(),
        other => other,
    }
}

#[async_trait]
impl Vault for HidingVault {
    async fn seal(&self, event: Uuid, stream: StreamId, data: Value) -> Result<Value, VaultError> {
        Ok(hide(self.0.seal(event, stream, data).await?))
    }

    async fn open(&self, event: Uuid, stream: StreamId, data: Value) -> Result<Value, VaultError> {
        self.0.open(event, stream, reveal(data)).await
    }

    fn email_stream(&self, normalized: &str) -> StreamId {
        self.0.email_stream(normalized)
    }

    fn license_key(&self, license: LicenseId) -> String {
        self.0.license_key(license)
    }

    fn license_of_key(&self, key: &str) -> Option<LicenseId> {
        self.0.license_of_key(key)
    }

    fn derived_secret(&self, purpose: &str) -> [u8; 32] {
        self.0.derived_secret(purpose)
    }
}

/// The log's own order, in one partition.
pub struct LogFeed(pub Arc<dyn EventLog>);

struct LogBatches(futures::stream::BoxStream<'static, Result<Vec<RecordedEvent>, souk_ports::LogError>>);

#[async_trait]
impl EventFeed for LogFeed {
    fn partitions(&self) -> u32 {
        1
    }

    fn assigned(&self) -> tokio::sync::watch::Receiver<std::collections::BTreeSet<u32>> {
        tokio::sync::watch::channel(std::collections::BTreeSet::from([0])).1
    }

    async fn subscribe(&self, _partition: u32, after: Position) -> Result<Box<dyn FeedBatches>, FeedError> {
        Ok(Box::new(LogBatches(self.0.subscribe(after).await?)))
    }
}

#[async_trait]
impl FeedBatches for LogBatches {
    async fn next(&mut self) -> Result<FeedBatch, FeedError> {
        match self.0.next().await {
            Some(batch) => Ok(FeedBatch::of(batch?).unwrap_or_default()),
            None => Err(FeedError::Unavailable("the log ended".to_owned())),
        }
    }
}
