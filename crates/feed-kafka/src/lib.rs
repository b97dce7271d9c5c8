//! The event feed through Apache Kafka: the [`Relay`] copies the log to a topic, a [`KafkaFeed`] hands it out.
//!
//! The topic holds every event as a CloudEvent in binary mode, in the partition of its plugin or aggregate. Each transaction of
//! the relay writes a stretch of the log: its events, a watermark to every partition, and the relay's own position to a
//! control topic; where that is configured, also what others are told, to a topic of its own. Every record names the position up to which its partition was complete before it. So a reader knows for
//! itself whether he has missed something, whatever happened to the topic, and reads that from the log instead.

mod client;
mod error;
mod feed;
mod fetch;
mod member;
mod public;
mod record;
mod relay;
mod ring;
mod seek;
mod session;
mod settings;
mod survey;
mod topics;

pub use error::KafkaFeedError;
pub use feed::KafkaFeed;
pub use public::{PublicRecord, PublicTopic, Publish};
pub use relay::{Relay, RelayStatus};
pub use settings::Settings;
pub use survey::{Survey, survey};
