//! One reign of a relay: a transactional producer, from fencing its predecessor to its first failure.

use std::time::{Duration, Instant};

use rdkafka::{
    error::KafkaError,
    message::{Header, Message, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer},
    types::RDKafkaErrorCode,
};
use serde::{Deserialize, Serialize};
use souk_ports::{Position, RecordedEvent, partition_of};
use uuid::Uuid;

use crate::{KafkaFeedError, PublicRecord, Settings, client, record, seek};

/// How long the brokers may take for a transaction. One that is given up holds readers up for as long, unless a successor comes.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long librdkafka waits before it asks again, when a transaction begins while the brokers still close the one before. A
/// fixed time in its source (`CONCURRENT_TRANSACTIONS` in rdkafka_txnmgr.c), much longer than that closing takes.
const ASKED_AGAIN: Duration = Duration::from_millis(20);
/// The least rest between two transactions, and what it grows and shrinks by.
const REST: (Duration, Duration, Duration) =
    (Duration::from_millis(3), Duration::from_millis(2), Duration::from_micros(100));
/// No transaction waits longer for the one before, however long that took.
const LONGEST_REST: Duration = Duration::from_millis(50);
/// The key of the relay's position in the control topic.
const KEY: &str = "position";

/// The record of the control topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Control {
    /// Up to here the log is in the topic.
    pub position: Position,
    /// The event there.
    pub event: Uuid,
}

/// What a record of the control topic says; none when it is not Souk's.
pub fn control(record: &impl Message) -> Option<Control> {
    serde_json::from_slice(record.payload()?).ok()
}

pub struct Session {
    settings: Settings,
    producer: BaseProducer,
    position: Position,
    transactions: u64,
    committed: Instant,
    /// From a commit to the next transaction: as short as the brokers can take it without [`ASKED_AGAIN`].
    rest: Duration,
    /// How long the last transaction took.
    took: Duration,
}

impl Session {
    /// Fences whoever relayed before, and only then reads how far he came. Blocks.
    pub fn open(settings: &Settings) -> Result<(Self, Option<Control>), KafkaFeedError> {
        let control = settings.control();
        let failed = |error: &KafkaError| KafkaFeedError::of(&format!("relay `{control}`"), &settings.brokers, error);
        let mut config = client::config(settings)?;
        config
            .set("transactional.id", &control)
            .set("transaction.timeout.ms", PATIENCE.as_millis().to_string())
            .set("compression.type", "lz4")
            // A transaction is flushed at once; this only lets its records travel together.
            .set("linger.ms", "1")
            .set("batch.size", "524288")
            .set("queue.buffering.max.messages", "200000");
        let producer: BaseProducer = config.create().map_err(|error| failed(&error))?;
        producer.init_transactions(PATIENCE).map_err(|error| failed(&error))?;
        let read = seek::last(settings, &control, |record| self::control(record))?;
        if read.is_none() && seek::has_events(settings)? {
            let (topic, brokers) = (settings.topic.clone(), settings.brokers.clone());
            return Err(KafkaFeedError::ControlLost { control, topic, brokers });
        }
        let position = read.as_ref().map_or(0, |control| control.position);
        let (committed, rest) = (Instant::now(), REST.0);
        let took = Duration::ZERO;
        Ok((Self { settings: settings.clone(), producer, position, transactions: 0, committed, rest, took }, read))
    }

    /// Waits until the brokers have probably closed the last transaction, and at least as long as that took: a transaction costs them, and
    /// whoever reads it, as much as many events, and where that takes long they have no time to lose. What comes meanwhile can go along with
    /// the next one.
    pub fn rest(&self) {
        let rest = self.rest.max(self.took.min(LONGEST_REST));
        std::thread::sleep(rest.saturating_sub(self.committed.elapsed()));
    }

    /// Writes `events`, which follow in the log, in one transaction. Blocks. After an error the session is over, and the next
    /// one finds out what became of the transaction.
    pub fn relay(&mut self, events: &[RecordedEvent]) -> Result<(), KafkaFeedError> {
        let Some(last) = events.last() else { return Ok(()) };
        let settings = self.settings.clone();
        let failed = |error: KafkaError| {
            KafkaFeedError::of(&format!("a transaction up to position {}", last.position), &settings.brokers, &error)
        };
        // Before anything is begun: what cannot be told yet is not left out.
        let told = self.told(events)?;
        let begun = Instant::now();
        self.producer.begin_transaction().map_err(failed)?;
        self.produce(events, last).map_err(failed)?;
        self.tell(told).map_err(failed)?;
        self.transactions += 1;
        let produced = Instant::now();
        // In small steps: the wrapper's own flush looks only every 100 ms whether it is done, and its poll spins through what is
        // left of its last millisecond.
        while self.producer.in_flight_count() > 0 && produced.elapsed() < PATIENCE {
            self.producer.poll(Duration::ZERO);
            std::thread::sleep(Duration::from_micros(300));
        }
        let (least, more, less) = REST;
        self.rest = match produced.elapsed() < ASKED_AGAIN {
            true => self.rest.saturating_sub(less).max(least),
            false => (self.rest + more).min(ASKED_AGAIN),
        };
        if settings.before_commit.as_ref().is_some_and(|lives| !lives(self.transactions)) {
            // All that a killed process would leave behind: records, and no word about them.
            let (what, reason) = ("the relay".to_owned(), "it was told to die".to_owned());
            return Err(KafkaFeedError::Unavailable { what, brokers: settings.brokers, reason });
        }
        self.producer.commit_transaction(PATIENCE).map_err(failed)?;
        (self.position, self.committed, self.took) = (last.position, Instant::now(), begun.elapsed());
        Ok(())
    }

    /// What others are told of `events`.
    fn told(&self, events: &[RecordedEvent]) -> Result<Vec<PublicRecord>, KafkaFeedError> {
        let Some(public) = &self.settings.public else { return Ok(Vec::new()) };
        let told = events.iter().filter_map(|event| (public.publish)(event).transpose());
        told.collect::<Result<_, _>>().map_err(KafkaFeedError::Newer)
    }

    fn tell(&self, told: Vec<PublicRecord>) -> Result<(), KafkaError> {
        let Some(public) = &self.settings.public else { return Ok(()) };
        for record in told {
            let headers = OwnedHeaders::new_with_capacity(record.headers.len());
            let headers = record
                .headers
                .iter()
                .fold(headers, |headers, (key, value)| headers.insert(Header { key, value: Some(value.as_bytes()) }));
            let partition = record.partition(self.settings.partitions);
            self.send(&public.topic, partition, record.key.as_bytes(), &record.value, headers)?;
        }
        Ok(())
    }

    fn produce(&self, events: &[RecordedEvent], last: &RecordedEvent) -> Result<(), KafkaError> {
        let Settings { topic, source, partitions, .. } = &self.settings;
        // Up to where each partition is complete.
        let mut complete = vec![self.position; usize::try_from(*partitions).unwrap_or(1)];
        for event in events {
            let partition = partition_of(event, *partitions);
            let Some(previous) = complete.get_mut(usize::try_from(partition).unwrap_or(0)) else { continue };
            let headers = record::of_event(event, source, *previous);
            *previous = event.position;
            let key = record::key(event);
            self.send(topic, i32::try_from(partition).unwrap_or(0), key.as_bytes(), &event.data, headers)?;
        }
        for (partition, previous) in (0..).zip(complete) {
            let headers = record::of_watermark(source, partition, previous, last.position);
            self.send(topic, partition, b"", b"{}", headers)?;
        }
        let control = Control { position: last.position, event: last.id };
        let value = serde_json::to_vec(&control).unwrap_or_default();
        self.send(&self.settings.control(), 0, KEY.as_bytes(), &value, OwnedHeaders::new())
    }

    fn send(
        &self,
        topic: &str,
        partition: i32,
        key: &[u8],
        value: &[u8],
        headers: OwnedHeaders,
    ) -> Result<(), KafkaError> {
        let mut record = BaseRecord::to(topic).partition(partition).payload(value).headers(headers);
        if !key.is_empty() {
            record = record.key(key);
        }
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                    record = again;
                    self.producer.poll(Duration::from_millis(10));
                }
                Err((error, _)) => return Err(error),
            }
        }
    }
}
