//! The topic as anybody else would read it: only what was committed, record by record.

use std::time::Duration;

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::{Headers, Message},
};
use souk_ports::{EventLog, RecordedEvent, partition_of};
use tokio::time::sleep;

use super::check::{LOOK, LOOKS, all};

/// As many as Souk has unless it is told otherwise.
pub const PARTITIONS: u32 = 6;
const PATIENCE: Duration = Duration::from_secs(60);
/// `ce_source` of Souk's records.
pub const SOURCE: &str = "/souk";
/// What Souk writes and nobody else need read.
const WATERMARK: &str = "souk.watermark";

/// One record, in CloudEvents' words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub sequence: u64,
    pub id: String,
    pub event_type: String,
    pub subject: String,
    pub version: String,
    pub data: Vec<u8>,
}

impl Record {
    /// What the record of `event` must be.
    fn of(event: &RecordedEvent) -> Self {
        Self {
            sequence: event.position,
            id: event.id.to_string(),
            event_type: event.event_type.clone(),
            subject: event.stream.to_string(),
            version: event.version.to_string(),
            data: event.data.to_vec(),
        }
    }
}

fn consumer(brokers: &str, isolation: &str) -> BaseConsumer {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "failure-tests")
        .set("isolation.level", isolation)
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .create()
        .expect("a consumer")
}

/// The committed events of each partition, in order. Blocks.
fn read(brokers: &str, topic: &str) -> Vec<Vec<Record>> {
    let consumer = consumer(brokers, "read_committed");
    let mut list = TopicPartitionList::new();
    for partition in 0..i32::try_from(PARTITIONS).expect("few") {
        list.add_partition_offset(topic, partition, Offset::Beginning).expect("is listed");
    }
    consumer.assign(&list).expect("is assigned");
    let mut records: Vec<Vec<Record>> = (0..PARTITIONS).map(|_| Vec::new()).collect();
    let mut ended = 0;
    while ended < PARTITIONS {
        match consumer.poll(PATIENCE).expect("the end of each partition") {
            Err(KafkaError::PartitionEOF(_)) => ended += 1,
            Err(error) => panic!("{topic}: {error}"),
            Ok(message) => {
                let text = |key: &str| {
                    let header = message.headers()?.iter().find(|header| header.key == key)?;
                    String::from_utf8(header.value?.to_vec()).ok()
                };
                if text("ce_source").as_deref() != Some(SOURCE) {
                    continue;
                }
                let Some(event_type) = text("ce_type").filter(|event_type| event_type != WATERMARK) else { continue };
                let word = |key: &str| text(key).unwrap_or_else(|| panic!("{event_type} without {key}"));
                let record = Record {
                    sequence: word("ce_sequence").parse().expect("a position"),
                    id: word("ce_id"),
                    subject: word("ce_subject"),
                    version: word("ce_streamversion"),
                    data: message.payload().unwrap_or_default().to_vec(),
                    event_type,
                };
                records[usize::try_from(message.partition()).expect("a number")].push(record);
            }
        }
    }
    records
}

/// Every event of the log is in the topic once, in the partition where it belongs, in order; and nothing else is.
pub async fn check(brokers: &str, topic: &str, log: &dyn EventLog) {
    let count = |records: &[Vec<Record>]| records.iter().map(Vec::len).sum::<usize>();
    let mut missing = 0;
    for _ in 0..LOOKS {
        let (from, of) = (brokers.to_owned(), topic.to_owned());
        let found = tokio::task::spawn_blocking(move || read(&from, &of)).await.expect("is read");
        // The topic first: it never has what the log does not have.
        let events = all(log).await;
        let wanted: Vec<Vec<Record>> = (0..PARTITIONS)
            .map(|partition| {
                events.iter().filter(|event| partition_of(event, PARTITIONS) == partition).map(Record::of).collect()
            })
            .collect();
        // The relay may have to catch up; but what is there stays.
        missing = count(&wanted).saturating_sub(count(&found));
        if missing == 0 {
            for (partition, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
                let place = found.iter().zip(wanted).position(|(found, wanted)| found != wanted);
                let sequences = |records: &[Record]| records.iter().map(|record| record.sequence).collect::<Vec<_>>();
                assert!(
                    place.is_none() && found.len() == wanted.len(),
                    "partition {partition} differs from the log at record {place:?}: {:?} instead of {:?}",
                    sequences(found),
                    sequences(wanted),
                );
            }
            return;
        }
        sleep(LOOK).await;
    }
    panic!("the topic never had the last {missing} events of the log");
}

/// Whether the relay has written its position, which is the last record of a transaction, and has neither committed nor given
/// up. If its events were visible by then, whoever comes next would write them again. Blocks.
pub fn has_open_transaction(brokers: &str, topic: &str) -> bool {
    let end = |isolation| {
        let watermarks = consumer(brokers, isolation).fetch_watermarks(&format!("{topic}.relay"), 0, PATIENCE);
        watermarks.expect("the end of the control topic").1
    };
    // The stable end first: it never passes the other.
    let stable = end("read_committed");
    stable < end("read_uncommitted")
}
