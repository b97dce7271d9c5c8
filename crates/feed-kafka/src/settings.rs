//! Where Kafka is, and what is kept there.

use std::{collections::BTreeMap, fmt, sync::Arc};

use crate::PublicTopic;

/// Asked with the number of the transaction; false makes the relay die there.
pub(crate) type FailPoint = Arc<dyn Fn(u64) -> bool + Send + Sync>;

/// Where Kafka is, and what is kept there. The relay and all feeds of one Souk have the same.
#[derive(Clone)]
pub struct Settings {
    /// `host:port`, several separated by commas.
    pub brokers: String,
    /// The topic of the events. The relay's control topic and the groups are named after it.
    pub topic: String,
    /// How many partitions the topic has; they cannot be changed once it exists.
    pub partitions: u32,
    /// Copies of each partition, when the relay creates the topics. With three or more, two must have a write before it counts.
    pub replication: u16,
    /// `ce_source` of every record; a record with another one is not Souk's.
    pub source: String,
    /// As many events as one transaction takes at most.
    pub max_batch: usize,
    /// What the relay tells others; nothing when none.
    pub public: Option<PublicTopic>,
    /// Further properties of librdkafka, for instance `security.protocol` and `sasl.password`. Never shown.
    pub properties: BTreeMap<String, String>,
    /// For tests: lets the relay die between producing and committing.
    #[doc(hidden)]
    pub before_commit: Option<FailPoint>,
}

impl Settings {
    /// The topic `souk.events` with 6 partitions, one copy of each.
    #[must_use]
    pub fn new(brokers: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
            topic: "souk.events".to_owned(),
            partitions: 6,
            replication: 1,
            source: "/souk".to_owned(),
            max_batch: 5_000,
            public: None,
            properties: BTreeMap::new(),
            before_commit: None,
        }
    }

    /// The compacted topic that holds the relay's position; also the relay's group and transactional id.
    #[must_use]
    pub fn control(&self) -> String {
        format!("{}.relay", self.topic)
    }

    pub(crate) fn partitions(&self) -> i32 {
        i32::try_from(self.partitions).unwrap_or(i32::MAX)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("brokers", &self.brokers)
            .field("topic", &self.topic)
            .field("partitions", &self.partitions)
            .field("replication", &self.replication)
            .field("properties", &self.properties.keys())
            .finish_non_exhaustive()
    }
}
