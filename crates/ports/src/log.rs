//! The event log.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use souk_domain::stream::{Category, StreamId};
use uuid::Uuid;

/// A place in the global order of the log: positions grow, the first event has at least 1. 0 is before every event.
pub type Position = u64;

/// The greatest event (data and metadata together), bytes.
pub const MAX_EVENT_BYTES: usize = 256 * 1024;

/// An event to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Unique; a retry repeats it.
    pub id: Uuid,
    /// `category.past_tense`
    pub event_type: String,
    /// The version of the shape of `data`.
    pub schema_version: u16,
    /// JSON, kept byte for byte.
    pub data: Bytes,
    /// JSON of [`crate::Metadata`], kept byte for byte.
    pub metadata: Bytes,
}

/// An event of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Unique.
    pub id: Uuid,
    /// Its stream.
    pub stream: StreamId,
    /// Its place in the stream, from 0.
    pub version: u64,
    /// Its place in the log.
    pub position: Position,
    /// `category.past_tense`
    pub event_type: String,
    /// The version of the shape of `data`.
    pub schema_version: u16,
    /// When the log recorded it, microseconds.
    pub recorded_at: DateTime<Utc>,
    /// The bytes that were given.
    pub data: Bytes,
    /// The bytes that were given.
    pub metadata: Bytes,
}

/// What a stream must be like for an append to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It has no event.
    NoStream,
    /// Its last event has this version.
    Version(u64),
}

/// What became of an append. A conflict is a value, not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// The events are durable (also: were already, by an earlier try with the same event ids).
    Ok {
        /// Version of the last event.
        version: u64,
        /// Position of the last event.
        position: Position,
    },
    /// The stream is not as expected, and the events are not in it at that place.
    Conflict {
        /// Version of its last event; none when it has no event.
        actual: Option<u64>,
    },
}

/// Which events a reader wants; the default wants all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only of these categories; all when empty.
    pub categories: Vec<Category>,
}

/// What goes wrong with a log.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// It cannot be reached, or did not answer in time. What an append did is unknown: load again and look for the command id.
    #[error("the event log cannot be reached: {0}")]
    Unavailable(String),
    /// The event is larger than [`MAX_EVENT_BYTES`].
    #[error("an event of {size} bytes is larger than {MAX_EVENT_BYTES}")]
    TooLarge {
        /// Bytes of data and metadata.
        size: usize,
    },
    /// The log refuses for another reason, for instance an event id that another stream has.
    #[error("the event log refused: {0}")]
    Refused(String),
    /// What is stored contradicts the model; names table, column and row.
    #[error("the event log holds something that cannot be: {0}")]
    Corrupt(String),
}

/// An append-only log of events in streams, with one global order.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Appends all of `events` (at least one) or none. Returns when they are durable.
    ///
    /// When the stream is not as expected, but holds exactly these event ids right behind the expected version,
    /// an earlier try succeeded, and so does this one.
    ///
    /// # Errors
    /// See [`LogError`]. A conflict is no error.
    async fn append(&self, stream: StreamId, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, LogError>;

    /// Events of one stream in order, from version `from` on, at most `limit`; empty at the end.
    ///
    /// # Errors
    /// See [`LogError`].
    async fn read_stream(&self, stream: StreamId, from: u64, limit: usize) -> Result<Vec<RecordedEvent>, LogError>;

    /// Events of all streams in order, behind position `after`, at most `limit`; empty at the end. Never skips an event that
    /// commits late.
    ///
    /// # Errors
    /// See [`LogError`].
    async fn read_all(&self, after: Position, filter: &Filter, limit: usize) -> Result<Vec<RecordedEvent>, LogError>;

    /// The events at these positions, in order of position; unknown positions are left out.
    ///
    /// # Errors
    /// See [`LogError`].
    async fn read_at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, LogError>;

    /// Batches of events behind `after`, and then those that come, for ever. A batch is never empty. Ends with an error
    /// after which the caller subscribes again from where it was.
    ///
    /// # Errors
    /// See [`LogError`].
    async fn subscribe(
        &self,
        after: Position,
    ) -> Result<BoxStream<'static, Result<Vec<RecordedEvent>, LogError>>, LogError>;

    /// Position of the last event; 0 when there is none.
    ///
    /// # Errors
    /// See [`LogError`].
    async fn head(&self) -> Result<Position, LogError>;
}
