//! What others are told: a second topic, written in the same transactions as the first.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use souk_ports::{RecordedEvent, partition_of_key};
use uuid::Uuid;

/// A record of the public topic: a CloudEvent in binary mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicRecord {
    /// What has the same key keeps its order.
    pub key: String,
    /// `ce_…`, and `content-type`.
    pub headers: Vec<(String, String)>,
    /// The data; never empty.
    pub value: Bytes,
}

/// Makes public records; in words why one cannot be made yet.
pub type Publish = Arc<dyn Fn(&RecordedEvent) -> Result<Option<PublicRecord>, String> + Send + Sync>;

/// The public topic.
#[derive(Clone)]
pub struct PublicTopic {
    /// Its name. It has as many partitions as that of the events.
    pub topic: String,
    /// What is written of an event; nothing of most.
    pub publish: Publish,
}

impl fmt::Debug for PublicTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicTopic").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl PublicRecord {
    /// Its partition: that of its plugin's events, where it concerns one.
    pub(crate) fn partition(&self, partitions: u32) -> i32 {
        let key = self.key.parse::<Uuid>();
        key.map_or(0, |key| i32::try_from(partition_of_key(key, partitions)).unwrap_or(0))
    }
}
