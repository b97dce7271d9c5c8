//! The side that reads.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Sender},
    },
    time::Duration,
};

use async_trait::async_trait;
use souk_ports::{EventFeed, EventLog, FeedBatch, FeedBatches, FeedError, Filter, Position, partition_of};
use tokio::{sync::watch, time::sleep};

use crate::{
    KafkaFeedError, Settings,
    client::blocking,
    fetch::{Begin, Fetcher},
    member::Member,
    ring::{Next, Partition, Ring},
    seek, topics,
};

/// Events of the log that are read at once by who is behind.
const PAGE: usize = 1_000;

/// An [`EventFeed`] that reads what the [`crate::Relay`] wrote. All subscriptions of a partition share one consumer.
///
/// A subscriber who wants what the topic no longer has, or who is much slower than the others, reads it from the log.
pub struct KafkaFeed {
    inner: Arc<Inner>,
    /// None when the process is no member of a group: then all partitions are its own.
    member: Option<Member>,
}

struct Inner {
    settings: Settings,
    log: Arc<dyn EventLog>,
    partitions: Arc<[Partition]>,
    fetcher: Sender<Begin>,
    foreign: Arc<AtomicU64>,
}

impl KafkaFeed {
    /// The feed of `log` through Kafka; waits until the relay has made the topic. With a `group`, its members share the
    /// partitions that [`EventFeed::assigned`] names; without, that is all of them.
    ///
    /// # Errors
    /// The topic has another number of partitions, or a setting is wrong.
    pub async fn start(
        settings: Settings,
        log: Arc<dyn EventLog>,
        group: Option<&str>,
    ) -> Result<Self, KafkaFeedError> {
        let mut told = false;
        loop {
            let asked = settings.clone();
            let there =
                blocking(&settings.brokers, move || topics::check(&asked, &asked.topic, asked.partitions)).await;
            match there {
                Ok(true) => break,
                Err(error) if error.needs_operator() => return Err(error),
                Ok(false) if !told => tracing::info!(topic = settings.topic, "waiting for the relay to make the topic"),
                Err(error) if !told => tracing::warn!(%error, "waiting for Kafka"),
                _ => {}
            }
            told = true;
            sleep(Duration::from_millis(250)).await;
        }
        let partitions: Arc<[Partition]> = (0..settings.partitions()).map(Partition::new).collect();
        let foreign = Arc::new(AtomicU64::new(0));
        let fetcher = Fetcher::new(settings.clone(), Arc::downgrade(&partitions), Arc::clone(&foreign))?;
        let (sender, commands) = mpsc::channel();
        // A thread of its own: librdkafka's calls block, and so does dropping the consumer at the end.
        std::thread::Builder::new()
            .name("souk-kafka-fetch".to_owned())
            .spawn(move || fetcher.run(&commands))
            .map_err(|error| KafkaFeedError::Setting(format!("a thread cannot be started: {error}")))?;
        let member = match group {
            Some(group) => Some(Member::join(&settings, group, &settings.topic)?),
            None => None,
        };
        Ok(Self { inner: Arc::new(Inner { settings, log, partitions, fetcher: sender, foreign }), member })
    }

    /// How many records were passed over because they are not Souk's.
    #[must_use]
    pub fn foreign_records(&self) -> u64 {
        self.inner.foreign.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl EventFeed for KafkaFeed {
    fn partitions(&self) -> u32 {
        self.inner.settings.partitions
    }

    fn assigned(&self) -> watch::Receiver<BTreeSet<u32>> {
        match &self.member {
            Some(member) => member.assigned(),
            None => watch::channel((0..self.partitions()).collect()).1,
        }
    }

    async fn subscribe(&self, partition: u32, after: Position) -> Result<Box<dyn FeedBatches>, FeedError> {
        let inner = Arc::clone(&self.inner);
        let index = usize::try_from(partition).unwrap_or(usize::MAX);
        let Some(followed) = inner.partitions.get(index) else {
            return Err(FeedError::Unavailable(format!("there is no partition {partition}")));
        };
        let cursor = Arc::new(AtomicU64::new(after));
        let ring = followed.watch(&cursor);
        Ok(Box::new(Subscription { ring, inner, partition, index, after, cursor }))
    }
}

struct Subscription {
    ring: watch::Receiver<Ring>,
    inner: Arc<Inner>,
    partition: u32,
    index: usize,
    after: Position,
    cursor: Arc<AtomicU64>,
}

impl Subscription {
    fn moved(&mut self, batch: FeedBatch) -> FeedBatch {
        self.after = batch.upto;
        self.cursor.store(self.after, Ordering::Release);
        batch
    }

    /// Has the ring filled from here on, unless somebody did that meanwhile.
    async fn begin(&self, even_if_running: bool) -> Result<(), FeedError> {
        let Some(partition) = self.inner.partitions.get(self.index) else { return Ok(()) };
        let _starting = partition.starting.lock().await;
        if self.ring.borrow().is_running() && !even_if_running {
            return Ok(());
        }
        let (settings, number, after) = (self.inner.settings.clone(), partition.number, self.after);
        let brokers = settings.brokers.clone();
        let offset = blocking(&brokers, move || seek::offset_of(&settings, number, after)).await?;
        let mut ring = self.ring.clone();
        ring.mark_unchanged();
        let gone = || FeedError::Unavailable("the consumer has ended".to_owned());
        self.inner.fetcher.send(Begin { partition: number, offset, after }).map_err(|_| gone())?;
        ring.changed().await.map_err(|_| gone())
    }

    /// A page of the log, of which only this partition is handed out; none at the end of the log.
    async fn page(&self) -> Result<Option<FeedBatch>, FeedError> {
        let page = self.inner.log.read_all(self.after, &Filter::default(), PAGE).await?;
        let Some(mut batch) = FeedBatch::of(page) else { return Ok(None) };
        let (partition, partitions) = (self.partition, self.inner.settings.partitions);
        batch.events.retain(|event| partition_of(event, partitions) == partition);
        Ok(Some(batch))
    }
}

#[async_trait]
impl FeedBatches for Subscription {
    async fn next(&mut self) -> Result<FeedBatch, FeedError> {
        loop {
            let next = self.ring.borrow_and_update().next(self.after);
            match next {
                Next::Batch(batch) => return Ok(self.moved(batch)),
                Next::Wait => {
                    let changed = self.ring.changed().await;
                    changed.map_err(|_| FeedError::Unavailable("nobody reads the topic any more".to_owned()))?;
                }
                Next::Behind => match self.page().await? {
                    Some(page) => return Ok(self.moved(page)),
                    // The ring was begun by somebody who was ahead of the log.
                    None => self.begin(true).await?,
                },
                Next::Idle => self.begin(false).await?,
            }
        }
    }
}
