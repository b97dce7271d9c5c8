//! What a broker of Kafka keeps.

use std::{path::Path, time::Duration};

use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::Headers,
};
use souk_test_kafka::Broker;

const PATIENCE: Duration = Duration::from_secs(60);

/// A broker that writes down every record as it is, whatever the relay does: what it keeps can be searched.
pub fn start() -> Broker {
    let plain = [("compression.type", "uncompressed")];
    tokio::task::block_in_place(|| Broker::start_with(&plain)).expect("Kafka starts")
}

/// Keys, headers and values of every record of every topic, the broker's own too, also of transactions that came to nothing. Nobody
/// may be writing any more.
pub fn records(broker: &Broker) -> Vec<u8> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker.brokers())
        .set("group.id", "search")
        .set("isolation.level", "read_uncommitted")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .create()
        .expect("a consumer");
    let metadata = consumer.fetch_metadata(None, PATIENCE).expect("topics");
    let mut list = TopicPartitionList::new();
    for topic in metadata.topics() {
        for partition in topic.partitions() {
            list.add_partition_offset(topic.name(), partition.id(), Offset::Beginning).expect("is listed");
        }
    }
    consumer.assign(&list).expect("is assigned");
    let (mut open, mut all) = (list.count(), Vec::new());
    while open > 0 {
        match consumer.poll(PATIENCE).expect("the end of each partition") {
            Err(KafkaError::PartitionEOF(_)) => open -= 1,
            Err(error) => panic!("{error}"),
            Ok(message) => {
                let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
                let headers = headers.flat_map(|header| [Some(header.key.as_bytes()), header.value]);
                for part in [message.key(), message.payload()].into_iter().chain(headers) {
                    all.extend_from_slice(part.unwrap_or_default());
                    all.push(0);
                }
            }
        }
    }
    all
}

/// Every segment of Souk's topics holds batches, and none is compressed.
pub fn is_plain(broker: &Broker) {
    let mut batches = 0;
    for topic in std::fs::read_dir(broker.directory().join("data")).expect("a folder").flatten() {
        if topic.file_name().to_string_lossy().starts_with("souk.") {
            for file in std::fs::read_dir(topic.path()).expect("a folder").flatten() {
                if file.path().extension().is_some_and(|extension| extension == "log") {
                    batches += plain_batches(&file.path());
                }
            }
        }
    }
    assert!(batches > 20, "{batches}");
}

/// Batches of a segment. Each begins with its offset (8 bytes), its length behind that (4), the leader's epoch (4), the version of the
/// format (1), a checksum (4) and attributes (2), whose lowest three bits say how it is compressed.
fn plain_batches(segment: &Path) -> usize {
    let bytes = std::fs::read(segment).expect("is read");
    let (mut rest, mut batches) = (&bytes[..], 0);
    while rest.len() > 23 {
        let length = u32::from_be_bytes(rest[8..12].try_into().expect("four bytes"));
        assert_eq!((rest[16], rest[22] & 7), (2, 0), "batch {batches} of {} is compressed", segment.display());
        rest = rest.get(12 + length as usize..).unwrap_or_default();
        batches += 1;
    }
    batches
}
