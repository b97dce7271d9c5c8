//! The topics: made when they are missing, refused when they are not as they must be.

use std::time::Duration;

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::Consumer,
    error::KafkaError,
    types::RDKafkaErrorCode,
};

use crate::{KafkaFeedError, Settings, client};

const PATIENCE: Duration = Duration::from_secs(15);

/// Makes the topics that are missing and looks whether they have as many partitions as they must. Blocks.
pub fn ensure(settings: &Settings) -> Result<(), KafkaFeedError> {
    let control = settings.control();
    let public = settings.public.as_ref().map(|public| (public.topic.as_str(), settings.partitions));
    let missing: Vec<_> = [(settings.topic.as_str(), settings.partitions), (control.as_str(), 1)]
        .into_iter()
        .chain(public)
        .map(|(topic, wanted)| Ok((topic, wanted, check(settings, topic, wanted)?)))
        .filter(|checked| !matches!(checked, Ok((_, _, true))))
        .collect::<Result<_, KafkaFeedError>>()?;
    for (topic, wanted, _) in missing {
        create(settings, topic, wanted)?;
    }
    Ok(())
}

/// Whether `topic` is there; an error when it is, with another number of partitions. Blocks.
pub fn check(settings: &Settings, topic: &str, wanted: u32) -> Result<bool, KafkaFeedError> {
    let consumer = client::reader(settings)?;
    let failed = |error: &KafkaError| KafkaFeedError::of(&format!("topic `{topic}`"), &settings.brokers, error);
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).map_err(|error| failed(&error))?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let found = found.filter(|found| found.error().is_none()).map_or(0, |found| found.partitions().len());
    match found {
        0 => Ok(false),
        found if u32::try_from(found) == Ok(wanted) => Ok(true),
        found => {
            let (topic, brokers) = (topic.to_owned(), settings.brokers.clone());
            Err(KafkaFeedError::WrongPartitions { topic, brokers, found, wanted })
        }
    }
}

fn create(settings: &Settings, topic: &str, partitions: u32) -> Result<(), KafkaFeedError> {
    let failed = |error: &KafkaError| KafkaFeedError::of(&format!("creating `{topic}`"), &settings.brokers, error);
    let admin: AdminClient<DefaultClientContext> =
        client::config(settings)?.create().map_err(|error| failed(&error))?;
    let partitions = i32::try_from(partitions).unwrap_or(i32::MAX);
    let mut new = NewTopic::new(topic, partitions, TopicReplication::Fixed(i32::from(settings.replication)));
    new = new.set("min.insync.replicas", if settings.replication >= 3 { "2" } else { "1" });
    if topic != settings.control() {
        // The log keeps everything; this is for partners who come late.
        new = new.set("retention.ms", "604800000");
    } else {
        new = new.set("cleanup.policy", "compact").set("segment.ms", "3600000").set("segment.bytes", "16777216");
    }
    let options = AdminOptions::new().operation_timeout(Some(PATIENCE)).request_timeout(Some(PATIENCE));
    let created = futures::executor::block_on(admin.create_topics([&new], &options)).map_err(|error| failed(&error))?;
    for result in created {
        match result {
            Ok(_) => tracing::info!(topic, partitions, "created a topic"),
            // Another process was faster.
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(failed(&KafkaError::AdminOp(code))),
        }
    }
    Ok(())
}
