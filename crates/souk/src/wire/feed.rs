//! What brings events to who follows them: the log itself, or Kafka and the relay that copies the log to it.

use std::{collections::BTreeMap, sync::Arc};

use souk_app::public::{Mapper, PublicEvent};
use souk_feed_kafka::{KafkaFeed, KafkaFeedError, PublicRecord, PublicTopic, Publish, Relay, RelayStatus, Survey};
use souk_feed_log::LogFeed;
use souk_ports::EventFeed;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Base;
use crate::{
    config::{Config, FeedKind, Kafka},
    failure::Failure,
    workers::Workers,
};

/// Where Kafka is and what the topic is like.
fn kafka(config: &Config) -> souk_feed_kafka::Settings {
    let Kafka { brokers, topic, partitions, replication_factor: replication, properties, .. } = config.kafka.clone();
    let settings = souk_feed_kafka::Settings::new(brokers.unwrap_or_default());
    souk_feed_kafka::Settings { topic, partitions, replication, properties, ..settings }
}

/// What the relay writes to the public topic.
fn publish(mapper: Mapper) -> Publish {
    Arc::new(move |recorded| {
        let told = mapper.map(recorded).map_err(|newer| newer.to_string())?;
        told.map(|event| public_record(&event)).transpose()
    })
}

/// A public event in binary mode: its attributes as headers, its data as the value.
fn public_record(event: &PublicEvent) -> Result<PublicRecord, String> {
    let unreadable = |error: serde_json::Error| error.to_string();
    let members: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&event.json).map_err(unreadable)?;
    let attributes = members.into_iter().filter_map(|(name, value)| match (name.as_str(), value) {
        // The time stands for it, and the content type for the other.
        ("data" | "timestamp" | "datacontenttype", _) => None,
        (name, serde_json::Value::String(text)) => Some((format!("ce_{name}"), text)),
        _ => None,
    });
    let content = ("content-type".to_owned(), "application/json".to_owned());
    let value = serde_json::to_vec(&event.data).map_err(unreadable)?;
    Ok(PublicRecord { key: event.key.clone(), headers: attributes.chain([content]).collect(), value: value.into() })
}

impl Base {
    /// What brings events to projectors and reactions. One for all that follow it in this process. Through Kafka it waits until
    /// the relay has made the topic; who is `projecting` shares the partitions with the others that are.
    ///
    /// # Errors
    /// It cannot be had, or the topic is not as it is configured.
    pub async fn feed(&self, config: &Config, projecting: bool) -> Result<Arc<dyn EventFeed>, Failure> {
        let log = Arc::clone(&self.log);
        if config.events.feed == FeedKind::Log {
            return Ok(Arc::new(LogFeed::new(log)));
        }
        let group = projecting.then(|| format!("{}.project", config.kafka.topic));
        let feed = KafkaFeed::start(kafka(config), log, group.as_deref()).await;
        Ok(Arc::new(feed.map_err(|error| Failure::new(error).during("following Kafka"))?))
    }

    /// Starts to copy the log to Kafka; also what tells where it stands. None where the feed is read straight from the log.
    ///
    /// # Errors
    /// Partners are to be told as well, and the keys of their pseudonyms cannot be had.
    pub async fn relay(&self, config: &Config) -> Result<Option<(Workers, watch::Receiver<RelayStatus>)>, Failure> {
        if config.events.feed == FeedKind::Log {
            return Ok(None);
        }
        let mut settings = kafka(config);
        if let Some(topic) = config.kafka.public_topic.clone() {
            let vault = self.vault(&self.at_home(config).await?).await?;
            let mapper = Mapper::new(vault.as_ref(), config.public_url.as_deref());
            settings.public = Some(PublicTopic { topic, publish: publish(mapper) });
        }
        let relay = Relay::new(settings, Arc::clone(&self.log));
        let (status, cancel) = (relay.status(), CancellationToken::new());
        let stop = cancel.clone();
        Ok(Some((Workers::new(async move { relay.run(stop).await }, cancel), status)))
    }

    /// How far the log is in Kafka, and who copies it.
    ///
    /// # Errors
    /// See [`KafkaFeedError`].
    pub async fn survey_relay(&self, config: &Config) -> Result<Survey, KafkaFeedError> {
        souk_feed_kafka::survey(&kafka(config), self.log.as_ref()).await
    }
}
