//! Configurations of librdkafka, and what must not happen on the runtime.

use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, DefaultConsumerContext},
};

use crate::{KafkaFeedError, Settings};

/// What all clients have.
pub fn config(settings: &Settings) -> Result<ClientConfig, KafkaFeedError> {
    let protocol = settings.properties.get("security.protocol").map_or("", String::as_str);
    if protocol.to_ascii_lowercase().contains("ssl") && !cfg!(feature = "tls") {
        return Err(KafkaFeedError::NoTls(protocol.to_owned()));
    }
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &settings.brokers)
        .set("client.id", "souk")
        // A broker that comes back is found soon.
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "1000")
        .set("topic.metadata.refresh.interval.ms", "30000");
    for (key, value) in &settings.properties {
        config.set(key, value);
    }
    Ok(config)
}

/// A reader of what is committed, that keeps no offsets at the broker.
pub fn reader(settings: &Settings) -> Result<BaseConsumer<DefaultConsumerContext>, KafkaFeedError> {
    let mut config = config(settings)?;
    config
        .set("group.id", format!("{}.reader", settings.topic))
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "error")
        .set("enable.partition.eof", "true")
        // An event should not wait for others to come along.
        .set("fetch.wait.max.ms", "100")
        .set("fetch.error.backoff.ms", "50")
        .set("fetch.queue.backoff.ms", "10")
        .set("queued.max.messages.kbytes", "16384");
    config.create().map_err(|error| KafkaFeedError::of("a consumer", &settings.brokers, &error))
}

/// Runs `work` where it may block; dropping a client of librdkafka does.
pub async fn blocking<T: Send + 'static>(
    brokers: &str,
    work: impl FnOnce() -> Result<T, KafkaFeedError> + Send + 'static,
) -> Result<T, KafkaFeedError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        let (what, reason) = ("a task".to_owned(), error.to_string());
        Err(KafkaFeedError::Unavailable { what, brokers: brokers.to_owned(), reason })
    })
}
