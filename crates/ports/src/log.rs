//! The event log.

use std::collections::HashSet;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream};
use souk_domain::stream::{Category, StreamId};
use uuid::Uuid;

/// A place in the global order of the log: positions grow, the first event has at least 1. 0 is before every event. They may
/// have holes, so nothing is reckoned with them: a reader hands back 0 or a position that this log gave it, and a log may
/// refuse any other one below its head. At most 2^53 - 1, for they are JSON numbers.
pub type Position = u64;

/// The greatest event (data and metadata together), bytes.
pub const MAX_EVENT_BYTES: usize = 256 * 1024;

/// The greatest append, bytes: data and metadata of all its events, and [`EVENT_OVERHEAD_BYTES`] for each. KurrentDB takes
/// 1 MiB, and what one log refuses, all refuse.
pub const MAX_APPEND_BYTES: usize = 1_000_000;

/// What an event counts in its append beside data and metadata.
pub const EVENT_OVERHEAD_BYTES: usize = 100;

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
    /// The event is larger than [`MAX_EVENT_BYTES`], or the append than [`MAX_APPEND_BYTES`].
    #[error("{size} bytes are more than an event ({MAX_EVENT_BYTES}) or an append ({MAX_APPEND_BYTES}) may have")]
    TooLarge {
        /// Bytes of the event's data and metadata, else of the append.
        size: usize,
    },
    /// The log refuses for another reason, for instance an event id that another stream has.
    #[error("the event log refused: {0}")]
    Refused(String),
    /// What is stored contradicts the model; names table, column and row.
    #[error("the event log holds something that cannot be: {0}")]
    Corrupt(String),
}

/// Refuses what no log takes: an append of nothing, an event or an append that is too large, an event id twice, and types that
/// some log keeps for itself or cannot store.
///
/// # Errors
/// [`LogError::Refused`] or [`LogError::TooLarge`].
pub fn check_append(events: &[NewEvent]) -> Result<(), LogError> {
    if events.is_empty() {
        return Err(LogError::Refused("an append needs at least one event".to_owned()));
    }
    let (mut ids, mut total) = (HashSet::new(), 0);
    for event in events {
        let size = event.data.len() + event.metadata.len();
        if size > MAX_EVENT_BYTES {
            return Err(LogError::TooLarge { size });
        }
        total += size + EVENT_OVERHEAD_BYTES;
        let name = &event.event_type;
        if name.is_empty() || name.starts_with('$') || name.contains(['\0', '@']) {
            return Err(LogError::Refused(format!("{name:?} is no type of an event")));
        }
        if !ids.insert(event.id) {
            return Err(LogError::Refused(format!("the event id {} is given twice", event.id)));
        }
    }
    if total > MAX_APPEND_BYTES { Err(LogError::TooLarge { size: total }) } else { Ok(()) }
}

/// An append-only log of events in streams, with one global order.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Appends all of `events` (at least one) or none. Returns when they are durable.
    ///
    /// When the stream is not as expected, but holds exactly these event ids right behind the expected version,
    /// an earlier try succeeded, and so does this one. Ids are compared in no other case that a caller may rely on: one
    /// whose outcome is unknown repeats the same append, or looks at the stream before it makes another one.
    ///
    /// # Errors
    /// See [`LogError`] and [`check_append`]. A conflict is no error.
    async fn append(&self, stream: StreamId, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, LogError>;

    /// Events of one stream in order, from version `from` on: `limit` of them, or fewer when it ends before.
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

    /// The events of all streams behind `after`, page after page of at most `page` events, up to where the log ended when that
    /// was read: for who reads all of it. A page is never empty. Ends with the first error; the caller scans again from where
    /// it was.
    fn scan(&self, after: Position, page: usize) -> BoxStream<'_, Result<Vec<RecordedEvent>, LogError>> {
        Box::pin(stream::try_unfold(after, move |after| async move {
            let events = self.read_all(after, &Filter::default(), page).await?;
            Ok(events.last().map(|last| last.position).map(|last| (events, last)))
        }))
    }

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
