//! Finding the offset of a position. Nothing depends on finding the best one: a record that is known is passed over, and where
//! one is missing the log has it.

use std::time::{Duration, Instant};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::Message,
};
use souk_ports::Position;

use crate::{KafkaFeedError, Settings, client, record};

const PATIENCE: Duration = Duration::from_secs(15);
/// So many offsets more than needed are read rather than looked for further.
const NEAR: i64 = 2_000;

/// An offset of `partition` from which on everything behind `after` is read, or as early as the topic goes. Blocks.
pub fn offset_of(settings: &Settings, partition: i32, after: Position) -> Result<i64, KafkaFeedError> {
    let consumer = client::reader(settings)?;
    let topic = &settings.topic;
    let failed = |error: &KafkaError| {
        KafkaFeedError::of(&format!("topic `{topic}`, partition {partition}"), &settings.brokers, error)
    };
    let watermarks = consumer.fetch_watermarks(topic, partition, PATIENCE);
    let (mut low, mut high) = watermarks.map_err(|error| failed(&error))?;
    // Nearly always the end is near.
    let mut middle = (high - NEAR).max(low);
    while high - low > NEAR {
        match previous_at(settings, &consumer, partition, middle).map_err(|error| failed(&error))? {
            Some(previous) if previous <= after => low = middle,
            _ => high = middle,
        }
        middle = low + (high - low) / 2;
    }
    Ok(low)
}

/// What the first of Souk's records at or behind `offset` says; none when there is none.
fn previous_at(
    settings: &Settings,
    consumer: &BaseConsumer,
    partition: i32,
    offset: i64,
) -> Result<Option<Position>, KafkaError> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&settings.topic, partition, Offset::Offset(offset))?;
    consumer.assign(&list)?;
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        match consumer.poll(Duration::from_millis(200)) {
            None => {}
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(None),
            Some(Err(error)) => return Err(error),
            Some(Ok(message)) => {
                if let Ok(read) = record::read(&message, &settings.source) {
                    return Ok(Some(read.previous));
                }
                tracing::trace!(offset = message.offset(), "a record that is not Souk's");
            }
        }
    }
    Ok(None)
}

/// Whether the topic holds a committed record of Souk. Blocks.
pub fn has_events(settings: &Settings) -> Result<bool, KafkaFeedError> {
    let consumer = client::reader(settings)?;
    let failed =
        |error: &KafkaError| KafkaFeedError::of(&format!("topic `{}`", settings.topic), &settings.brokers, error);
    for partition in 0..settings.partitions() {
        let watermarks = consumer.fetch_watermarks(&settings.topic, partition, PATIENCE);
        let (low, high) = watermarks.map_err(|error| failed(&error))?;
        let found =
            high > low && previous_at(settings, &consumer, partition, low).map_err(|error| failed(&error))?.is_some();
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The last record of a control topic that `take` takes; none when there is none. Blocks.
pub fn last<T>(
    settings: &Settings,
    topic: &str,
    take: impl Fn(&rdkafka::message::BorrowedMessage<'_>) -> Option<T>,
) -> Result<Option<T>, KafkaFeedError> {
    let consumer = client::reader(settings)?;
    let failed = |error: &KafkaError| KafkaFeedError::of(&format!("topic `{topic}`"), &settings.brokers, error);
    let (low, high) = consumer.fetch_watermarks(topic, 0, PATIENCE).map_err(|error| failed(&error))?;
    let mut back = 16;
    loop {
        let from = (high - back).max(low);
        let found = read_to_end(&consumer, topic, from, &take).map_err(|error| failed(&error))?;
        if found.is_some() || from <= low {
            return Ok(found);
        }
        back *= 8;
    }
}

fn read_to_end<T>(
    consumer: &BaseConsumer,
    topic: &str,
    from: i64,
    take: impl Fn(&rdkafka::message::BorrowedMessage<'_>) -> Option<T>,
) -> Result<Option<T>, KafkaError> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(from))?;
    consumer.assign(&list)?;
    let mut last = None;
    let mut silent = Instant::now();
    loop {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(last),
            Some(Err(error)) => return Err(error),
            Some(Ok(message)) => {
                last = take(&message).or(last);
                silent = Instant::now();
            }
            // Not knowing where the end is would be taken for an empty topic.
            None if silent.elapsed() > PATIENCE => {
                return Err(KafkaError::MessageConsumption(rdkafka::types::RDKafkaErrorCode::OperationTimedOut));
            }
            None => {}
        }
    }
}
