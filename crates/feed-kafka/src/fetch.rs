//! The one consumer of a process: reads every partition that is followed, once for all who follow it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, TryRecvError},
    },
    time::Duration,
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::Message,
    types::RDKafkaErrorCode,
};
use souk_ports::Position;

use crate::{
    KafkaFeedError, Settings, client,
    record::{self, Read},
    ring::Partition,
};

/// How long a poll waits; a new partition waits as long.
const POLL: Duration = Duration::from_millis(20);
/// Records that are taken before they are handed on.
const BATCH: usize = 1_000;

/// Begin to read a partition.
pub struct Begin {
    pub partition: i32,
    pub offset: i64,
    pub after: Position,
}

pub struct Fetcher {
    settings: Settings,
    consumer: BaseConsumer,
    partitions: Weak<[Partition]>,
    foreign: Arc<AtomicU64>,
    /// What is read, and whether it is paused.
    reading: BTreeMap<i32, bool>,
}

impl Fetcher {
    pub fn new(
        settings: Settings,
        partitions: Weak<[Partition]>,
        foreign: Arc<AtomicU64>,
    ) -> Result<Self, KafkaFeedError> {
        let consumer = client::reader(&settings)?;
        Ok(Self { settings, consumer, partitions, foreign, reading: BTreeMap::new() })
    }

    /// Reads until nobody can ask for anything any more.
    pub fn run(mut self, commands: &Receiver<Begin>) {
        loop {
            let Some(partitions) = self.partitions.upgrade() else { return };
            loop {
                match commands.try_recv() {
                    Ok(begin) => self.begin(&partitions, &begin),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return,
                }
            }
            self.look(&partitions);
            if let Err(error) = self.fetch(&partitions) {
                // Whoever follows looks for his place again, and reads from the log what the topic has lost.
                tracing::warn!(topic = self.settings.topic, %error, "reading begins anew");
                self.stop_all(&partitions);
                std::thread::sleep(Duration::from_millis(200));
            }
        }
    }

    fn list(&self, partition: i32, offset: Option<i64>) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        match offset {
            // An offset that was an answer of the broker is one.
            Some(offset) => {
                let _ = list.add_partition_offset(&self.settings.topic, partition, Offset::Offset(offset));
            }
            None => {
                list.add_partition(&self.settings.topic, partition);
            }
        }
        list
    }

    fn begin(&mut self, partitions: &[Partition], begin: &Begin) {
        let Some(partition) = of(partitions, begin.partition) else { return };
        if self.reading.remove(&begin.partition).is_some() {
            let _ = self.consumer.incremental_unassign(&self.list(begin.partition, None));
        }
        partition.begin(begin.after);
        match self.consumer.incremental_assign(&self.list(begin.partition, Some(begin.offset))) {
            Ok(()) => {
                tracing::debug!(partition = begin.partition, offset = begin.offset, after = begin.after, "reading");
                self.reading.insert(begin.partition, false);
            }
            Err(error) => {
                tracing::warn!(partition = begin.partition, %error, "a partition cannot be read");
                partition.end();
            }
        }
    }

    /// Stops reading what nobody follows, and what nobody takes.
    fn look(&mut self, partitions: &[Partition]) {
        let mut gone = Vec::new();
        for (number, paused) in &mut self.reading {
            let Some(partition) = of(partitions, *number) else { continue };
            let mut list = TopicPartitionList::new();
            list.add_partition(&self.settings.topic, *number);
            if !partition.is_followed() {
                partition.end();
                let _ = self.consumer.incremental_unassign(&list);
                gone.push(*number);
            } else if partition.has_room() == *paused {
                let _ = if *paused { self.consumer.resume(&list) } else { self.consumer.pause(&list) };
                *paused = !*paused;
            }
        }
        self.reading.retain(|number, _| !gone.contains(number));
    }

    fn stop_all(&mut self, partitions: &[Partition]) {
        let _ = self.consumer.unassign();
        for number in std::mem::take(&mut self.reading).into_keys() {
            if let Some(partition) = of(partitions, number) {
                partition.end();
            }
        }
    }

    /// Hands on what has come; waits a little for the first record.
    fn fetch(&self, partitions: &[Partition]) -> Result<(), KafkaError> {
        let mut reads: BTreeMap<i32, Vec<Read>> = BTreeMap::new();
        let mut wait = POLL;
        for _ in 0..BATCH {
            let Some(polled) = self.consumer.poll(wait) else { break };
            wait = Duration::ZERO;
            match polled {
                Ok(message) => match record::read(&message, &self.settings.source) {
                    Ok(read) => reads.entry(message.partition()).or_default().push(read),
                    Err(why) => self.pass_over(message.partition(), message.offset(), &why),
                },
                Err(KafkaError::PartitionEOF(_)) => {}
                Err(error) => match error.rdkafka_error_code() {
                    // Brokers come back, and librdkafka goes on by itself.
                    Some(
                        RDKafkaErrorCode::BrokerTransportFailure
                        | RDKafkaErrorCode::AllBrokersDown
                        | RDKafkaErrorCode::Resolve
                        | RDKafkaErrorCode::OperationTimedOut,
                    ) => tracing::debug!(%error, "a broker does not answer"),
                    _ => return Err(error),
                },
            }
        }
        for (number, read) in reads {
            if let Some(partition) = of(partitions, number).filter(|_| self.reading.contains_key(&number)) {
                partition.push(read);
            }
        }
        Ok(())
    }

    /// If it was one of Souk's after all, the next record tells that something is missing.
    fn pass_over(&self, partition: i32, offset: i64, why: &str) {
        self.foreign.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(topic = self.settings.topic, partition, offset, why, "foreign_record: passed over");
    }
}

fn of(partitions: &[Partition], number: i32) -> Option<&Partition> {
    usize::try_from(number).ok().and_then(|number| partitions.get(number))
}
