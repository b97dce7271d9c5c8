//! A log in memory, relayed to a topic of its own on a real broker.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use souk_domain::{
    id::{CommandId, PluginId},
    stream::{Category, StreamId},
};
use souk_feed_kafka::{KafkaFeed, Relay, RelayStatus, Settings};
use souk_ports::{Actor, Appended, EventLog, Expected, Filter, Metadata, NewEvent, Position, RecordedEvent};
use souk_testkit::MemoryLog;
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(60);

static TOPICS: AtomicU64 = AtomicU64::new(0);
static IDS: AtomicU64 = AtomicU64::new(0);

/// Waits until `future` is ready; `what` is in the message when it is not.
pub async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// A topic that no other test uses.
pub fn settings(brokers: &str) -> Settings {
    let topic = format!("events-{}", TOPICS.fetch_add(1, Ordering::SeqCst));
    Settings { topic, partitions: 3, ..Settings::new(brokers) }
}

pub struct World {
    pub log: MemoryLog,
    pub settings: Settings,
}

/// A running relay.
pub struct Relaying {
    pub status: watch::Receiver<RelayStatus>,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl Relaying {
    pub async fn stop(self) {
        self.cancel.cancel();
        patiently("the relay's end", self.task).await.unwrap();
    }

    pub async fn until(&mut self, what: &str, holds: impl FnMut(&RelayStatus) -> bool) -> RelayStatus {
        let found =
            tokio::time::timeout(PATIENCE, self.status.wait_for(holds)).await.map(|found| found.unwrap().clone());
        found.unwrap_or_else(|_| panic!("waited in vain for {what}: {:?}", self.status.borrow()))
    }
}

impl World {
    /// On the broker of all tests of this file.
    pub fn new() -> Self {
        Self::on(souk_test_kafka::shared().unwrap().brokers())
    }

    pub fn on(brokers: &str) -> Self {
        Self { log: MemoryLog::default(), settings: settings(brokers) }
    }

    pub fn log(&self) -> Arc<dyn EventLog> {
        Arc::new(self.log.clone())
    }

    pub fn relay(&self) -> Relaying {
        self.relay_with(self.settings.clone(), self.log())
    }

    pub fn relay_with(&self, settings: Settings, log: Arc<dyn EventLog>) -> Relaying {
        let relay = Relay::new(settings, log);
        let (status, cancel) = (relay.status(), CancellationToken::new());
        let stop = cancel.clone();
        Relaying { status, cancel, task: tokio::spawn(async move { relay.run(stop).await }) }
    }

    pub async fn feed(&self, group: Option<&str>) -> KafkaFeed {
        patiently("the feed", KafkaFeed::start(self.settings.clone(), self.log(), group)).await.unwrap()
    }

    /// Appends `count` events, spread over `plugins` plugins.
    pub async fn append(&self, count: usize, plugins: u128) -> Position {
        let mut last = 0;
        for n in 0..count {
            last = append(&self.log, n as u128 % plugins, b"{\"summary\":\"x\"}", 1).await;
        }
        last
    }

    /// What the log has behind `after`.
    pub async fn logged(&self, after: Position) -> Vec<RecordedEvent> {
        self.log.read_all(after, &Filter::default(), usize::MAX).await.unwrap()
    }
}

/// Appends one event of plugin number `plugin`, in a stream of its own.
pub async fn append(log: &MemoryLog, plugin: u128, data: &[u8], schema_version: u16) -> Position {
    let id = Uuid::from_u128(0x5000_0000 + u128::from(IDS.fetch_add(1, Ordering::SeqCst)));
    let metadata = Metadata {
        actor: Actor::SYSTEM,
        command_id: CommandId::new(id),
        correlation_id: id,
        causation_id: id,
        traceparent: None,
        plugin_id: Some(PluginId::new(Uuid::from_u128(plugin))),
        vendor_id: None,
    };
    let event = NewEvent {
        id,
        event_type: "review.submitted".to_owned(),
        schema_version,
        data: Bytes::copy_from_slice(data),
        metadata: Bytes::from(serde_json::to_vec(&metadata).unwrap()),
    };
    match log.append(StreamId::new(Category::Review, id), Expected::NoStream, vec![event]).await.unwrap() {
        Appended::Ok { position, .. } => position,
        Appended::Conflict { actual } => panic!("conflict at {actual:?}"),
    }
}

/// The committed events in the topic, offset by offset: how often each position stands there.
pub fn copies(settings: &Settings) -> BTreeMap<Position, usize> {
    use rdkafka::{
        ClientConfig, Offset, TopicPartitionList,
        consumer::{BaseConsumer, Consumer},
        error::KafkaError,
        message::{Headers, Message},
    };
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &settings.brokers)
        .set("group.id", "copies")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..i32::try_from(settings.partitions).unwrap() {
        list.add_partition_offset(&settings.topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
    let (mut ended, mut copies) = (0, BTreeMap::new());
    while ended < settings.partitions {
        match consumer.poll(PATIENCE).expect("the end of each partition") {
            Err(KafkaError::PartitionEOF(_)) => ended += 1,
            Err(error) => panic!("{error}"),
            Ok(message) => {
                let headers = message.headers().unwrap();
                let text = |key: &str| {
                    let header = headers.iter().find(|header| header.key == key).and_then(|header| header.value);
                    String::from_utf8(header.unwrap_or_default().to_vec()).unwrap()
                };
                if text("ce_type") != "souk.watermark" {
                    *copies.entry(text("ce_sequence").parse().unwrap()).or_default() += 1;
                }
            }
        }
    }
    copies
}

/// Every event of the log stands in the topic once.
pub async fn assert_once(world: &World) {
    let settings = world.settings.clone();
    let copies = tokio::task::spawn_blocking(move || copies(&settings)).await.unwrap();
    let expected: BTreeMap<Position, usize> = world.logged(0).await.iter().map(|event| (event.position, 1)).collect();
    assert_eq!(copies, expected);
}
