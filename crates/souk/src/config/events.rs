//! Where events are kept and what brings them to who follows: the keys `events`, `kurrentdb` and `kafka`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Config, Environment};

/// Variables of librdkafka's properties begin so; `_` stands for the `.` of their names.
pub const PROPERTIES: &str = "SOUK_KAFKA__PROPERTIES__";

/// Where events are kept and what brings them to who follows.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Events {
    /// `postgres` or `kurrentdb`.
    pub log: LogKind,
    /// `log` or `kafka`.
    pub feed: FeedKind,
}

impl Default for Events {
    fn default() -> Self {
        Self { log: LogKind::Postgres, feed: FeedKind::Log }
    }
}

/// Where events are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogKind {
    /// In PostgreSQL, beside everything else.
    Postgres,
    /// In KurrentDB (EventStoreDB).
    #[serde(rename = "kurrentdb")]
    KurrentDb,
}

/// What brings events to projectors and reactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedKind {
    /// They read the log.
    Log,
    /// A relay copies the log to Apache Kafka, and they read that.
    Kafka,
}

/// Where KurrentDB is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KurrentDb {
    /// Its address, `kurrentdb://…`. Holds a password.
    pub url: Option<String>,
}

/// Where Kafka is, and what the topic is like.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kafka {
    /// Addresses of brokers, `host:port`, with commas between.
    pub brokers: Option<String>,
    /// The topic that holds the events; the relay's own topics are named after it.
    pub topic: String,
    /// The topic that partners read; none when absent.
    pub public_topic: Option<String>,
    /// Its partitions. Fixed once events were projected from it.
    pub partitions: u32,
    /// How many brokers keep each partition.
    pub replication_factor: u16,
    /// Further properties of librdkafka, such as `security.protocol`. May hold passwords.
    pub properties: BTreeMap<String, String>,
}

impl Default for Kafka {
    fn default() -> Self {
        Self {
            brokers: None,
            topic: "souk.events".to_owned(),
            public_topic: None,
            partitions: 6,
            replication_factor: 1,
            properties: BTreeMap::new(),
        }
    }
}

/// Properties that the relay and the feed are right or wrong by, so that they are not up to who configures them.
const OWN_PROPERTIES: [&str; 10] = [
    "acks",
    "auto.offset.reset",
    "bootstrap.servers",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "group.id",
    "isolation.level",
    "partitioner",
    "transactional.id",
];

/// The properties among the environment's variables. They are texts as they are: a password of digits stays one.
pub fn properties() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter_map(|(name, value)| {
            let name = name.strip_prefix(PROPERTIES)?.to_lowercase().replace('_', ".");
            Some((name, value))
        })
        .collect()
}

/// What is wrong with the three sections, one line each.
pub fn problems(config: &Config) -> Vec<String> {
    let mut problems = Vec::new();
    match (&config.kurrentdb.url, config.events.log) {
        (None, LogKind::KurrentDb) => problems.push(
            "  kurrentdb.url: missing: with events.log = \"kurrentdb\", expected an address such as \
             kurrentdb://HOST:2113?tls=true"
                .to_owned(),
        ),
        (Some(url), _) => problems.extend(kurrentdb(url, config.environment)),
        (None, LogKind::Postgres) => {}
    }
    if config.events.feed == FeedKind::Kafka {
        problems.extend(kafka(&config.kafka));
    }
    problems
}

fn kurrentdb(url: &str, environment: Environment) -> Option<String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Some("  kurrentdb.url: expected an address that begins with kurrentdb://".to_owned());
    };
    let known = ["kurrentdb", "kurrent", "esdb", "eventstoredb"];
    if !known.contains(&scheme.trim_end_matches("+discover")) {
        let found = format!("  kurrentdb.url: {scheme}://…: expected kurrentdb:// or kurrentdb+discover://");
        return Some(found);
    }
    // What every installation begins with, and what everybody knows.
    let known_password = rest.split_once('@').is_some_and(|(user, _)| user.ends_with(":changeit"));
    (known_password && environment == Environment::Production)
        .then(|| "  kurrentdb.url: holds the password that KurrentDB begins with: production refuses it".to_owned())
}

fn kafka(kafka: &Kafka) -> Vec<String> {
    let mut problems = Vec::new();
    match kafka.brokers.as_deref().map(str::trim) {
        None | Some("") => problems.push(
            "  kafka.brokers: missing: with events.feed = \"kafka\", expected host:port, with commas between several"
                .to_owned(),
        ),
        Some(_) => {}
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    for (key, topic) in [("topic", Some(&kafka.topic)), ("public_topic", kafka.public_topic.as_ref())] {
        let Some(topic) = topic else { continue };
        if topic.is_empty() || topic.len() > 200 || !topic.chars().all(legal) {
            problems.push(format!(
                "  kafka.{key}: {topic:?}: expected 1 to 200 letters, digits, dots, underscores and hyphens"
            ));
        }
    }
    if kafka
        .public_topic
        .as_ref()
        .is_some_and(|public| *public == kafka.topic || *public == format!("{}.relay", kafka.topic))
    {
        problems.push("  kafka.public_topic: expected another topic than those of the relay".to_owned());
    }
    if !(1..=1_000).contains(&kafka.partitions) {
        problems.push(format!("  kafka.partitions: {}: expected 1 to 1000", kafka.partitions));
    }
    if kafka.replication_factor == 0 {
        problems.push("  kafka.replication_factor: 0: expected at least 1".to_owned());
    }
    for name in kafka.properties.keys().filter(|name| OWN_PROPERTIES.contains(&name.as_str())) {
        problems.push(format!("  kafka.properties.{name}: expected to be left out: Souk sets it itself"));
    }
    problems
}
