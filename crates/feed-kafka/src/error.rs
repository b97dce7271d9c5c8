//! What goes wrong with Kafka. Never holds a credential.

use rdkafka::{error::KafkaError, types::RDKafkaErrorCode};
use souk_ports::{FeedError, LogError, Position};
use uuid::Uuid;

/// What goes wrong with Kafka; each message begins with a stable name.
#[derive(Clone, Debug, thiserror::Error)]
pub enum KafkaFeedError {
    /// It does not answer, or refuses for the moment.
    #[error("kafka_unavailable: {what} at {brokers}: {reason}")]
    Unavailable {
        /// What was tried.
        what: String,
        /// With whom.
        brokers: String,
        /// What was answered.
        reason: String,
    },
    /// A topic has another number of partitions than it must have.
    #[error(
        "wrong_partition_count: topic `{topic}` at {brokers} has {found} partitions, {wanted} are configured: configure {found}, \
         or name another topic"
    )]
    WrongPartitions {
        /// The topic.
        topic: String,
        /// Where.
        brokers: String,
        /// How many it has.
        found: usize,
        /// How many it must have.
        wanted: u32,
    },
    /// The relay's position is lost although there are events.
    #[error(
        "control_lost: topic `{control}` at {brokers} is empty, but `{topic}` is not: relaying again from the start would repeat \
         all events; delete `{topic}` too, or name another topic"
    )]
    ControlLost {
        /// The control topic.
        control: String,
        /// The topic of the events.
        topic: String,
        /// Where.
        brokers: String,
    },
    /// More was relayed than the log has.
    #[error(
        "relay_ahead: position {position} was relayed to `{topic}`, but the log ends at {head}: an older backup of the log was \
         restored; restore a newer one, or name another topic and rebuild the read models"
    )]
    Ahead {
        /// The topic.
        topic: String,
        /// Where the relay was.
        position: Position,
        /// Where the log ends.
        head: Position,
    },
    /// Another log was relayed.
    #[error(
        "other_log: event {event} was relayed to `{topic}` as position {position}, where the log has {found}: another log was \
         restored; name another topic and rebuild the read models"
    )]
    OtherLog {
        /// The topic.
        topic: String,
        /// Where.
        position: Position,
        /// What was relayed.
        event: Uuid,
        /// What the log has there.
        found: String,
    },
    /// An event that others are to be told of was written by a newer Souk.
    #[error("newer_event: {0}: run a relay of that version")]
    Newer(String),
    /// TLS is asked for, and this build has none.
    #[error("no_tls: `security.protocol` is {0}, but this Souk was built without the feature `tls`")]
    NoTls(String),
    /// Another relay took over.
    #[error("fenced: another relay took over")]
    Fenced,
    /// A setting that librdkafka does not take.
    #[error("kafka_setting: {0}")]
    Setting(String),
    /// The log failed.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl KafkaFeedError {
    pub(crate) fn of(what: &str, brokers: &str, error: &KafkaError) -> Self {
        use RDKafkaErrorCode::{Fenced, InvalidProducerEpoch, ProducerFenced};
        match (error, error.rdkafka_error_code()) {
            (_, Some(Fenced | ProducerFenced | InvalidProducerEpoch)) => Self::Fenced,
            (KafkaError::ClientConfig(_, reason, key, _), _) => Self::Setting(format!("`{key}`: {reason}")),
            _ => Self::Unavailable { what: what.to_owned(), brokers: brokers.to_owned(), reason: error.to_string() },
        }
    }

    /// Whether an operator has to do something about it; otherwise trying again helps.
    #[must_use]
    pub const fn needs_operator(&self) -> bool {
        !matches!(self, Self::Unavailable { .. } | Self::Fenced | Self::Log(_))
    }
}

impl From<KafkaFeedError> for FeedError {
    fn from(error: KafkaFeedError) -> Self {
        match error {
            KafkaFeedError::Log(error) => Self::Log(error),
            other => Self::Unavailable(other.to_string()),
        }
    }
}
