//! What the stand-in keeps, and the rules by which a KurrentDB server takes or refuses an append.

use std::{collections::HashMap, time::SystemTime};

use bytes::Bytes;
use uuid::Uuid;

/// The server's default of the greatest append, bytes.
pub const MAX_APPEND_BYTES: usize = 1024 * 1024;

/// A record of the transaction file. Its commit and its prepare position are the same, as those of a real server are for
/// everything but the transactions of old clients.
#[derive(Clone, Debug)]
pub struct Record {
    /// Where it starts in the file: positions are byte offsets, with holes as wide as the record.
    pub position: u64,
    pub stream: String,
    pub revision: u64,
    pub id: Uuid,
    pub event_type: String,
    pub content_type: String,
    /// 100 ns since 1970.
    pub created: u64,
    pub metadata: Bytes,
    pub data: Bytes,
}

/// An event that a client proposes.
#[derive(Clone, Debug)]
pub struct Proposed {
    pub id: Uuid,
    pub event_type: String,
    pub content_type: String,
    pub metadata: Bytes,
    pub data: Bytes,
}

impl Proposed {
    /// An event that the server itself writes.
    pub fn system(event_type: &str, data: &str) -> Self {
        Self {
            id: random_id(),
            event_type: event_type.to_owned(),
            content_type: "application/json".to_owned(),
            metadata: Bytes::new(),
            data: Bytes::copy_from_slice(data.as_bytes()),
        }
    }

    /// What it counts towards [`MAX_APPEND_BYTES`]: the server counts its type in UTF-16.
    pub fn size(&self) -> usize {
        self.data.len() + self.metadata.len() + 2 * self.event_type.len()
    }
}

/// The state of the stream that a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Any,
    NoStream,
    StreamExists,
    Revision(u64),
}

/// What became of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The revision of its last event, and a position of its events.
    Written { revision: u64, position: Option<u64> },
    /// The last revision of the stream.
    Wrong { current: Option<u64> },
}

#[derive(Default)]
pub struct Store {
    records: Vec<Record>,
    /// Indexes into `records`, by revision.
    streams: HashMap<String, Vec<usize>>,
    /// Where the next record starts.
    end: u64,
    appends: u64,
}

impl Store {
    /// A store as a server leaves it behind its first start: not empty.
    pub fn started() -> Self {
        let mut store = Self::default();
        store.write("$settings", vec![Proposed::system("$UserUpdated", "{}")]);
        store.write("$users", vec![Proposed::system("$User", "\"admin\"")]);
        store
    }

    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Indexes of the records of `stream`; none when it does not exist.
    pub fn stream(&self, stream: &str) -> Option<&[usize]> {
        self.streams.get(stream).map(Vec::as_slice)
    }

    /// The revision of the last event of `stream`; none when it does not exist.
    pub fn last(&self, stream: &str) -> Option<u64> {
        self.stream(stream).and_then(|records| (records.len() as u64).checked_sub(1))
    }

    /// The index of the record that starts at `position`. The end of the file counts as one.
    pub fn index_of(&self, position: u64) -> Option<usize> {
        match self.records.binary_search_by_key(&position, |record| record.position) {
            Ok(index) => Some(index),
            Err(_) if position >= self.end => Some(self.records.len()),
            Err(_) => None,
        }
    }

    /// Appends as a server does. Event ids are compared only when the expected revision is behind the current one.
    pub fn append(&mut self, stream: &str, expected: Expected, events: Vec<Proposed>) -> Outcome {
        let current = self.last(stream);
        let first = match expected {
            Expected::Any => return self.append_anywhere(stream, events),
            Expected::StreamExists if current.is_none() => return Outcome::Wrong { current },
            Expected::StreamExists => return self.append_anywhere(stream, events),
            Expected::NoStream => 0,
            Expected::Revision(revision) => revision + 1,
        };
        let next = current.map_or(0, |current| current + 1);
        match first.cmp(&next) {
            std::cmp::Ordering::Greater => Outcome::Wrong { current },
            std::cmp::Ordering::Less => self.repeated(stream, first, &events).unwrap_or(Outcome::Wrong { current }),
            std::cmp::Ordering::Equal => self.written(stream, events),
        }
    }

    /// Without an expected revision the ids are looked for in the whole stream.
    fn append_anywhere(&mut self, stream: &str, events: Vec<Proposed>) -> Outcome {
        let first = events.first().map(|event| event.id);
        let place =
            self.stream(stream).unwrap_or_default().iter().position(|&index| Some(self.records[index].id) == first);
        match place.and_then(|place| self.repeated(stream, place as u64, &events)) {
            Some(outcome) => outcome,
            None => self.written(stream, events),
        }
    }

    /// The outcome of an earlier append of the same events at that place.
    fn repeated(&self, stream: &str, first: u64, events: &[Proposed]) -> Option<Outcome> {
        let first = usize::try_from(first).ok()?;
        let stored = self.stream(stream)?.get(first..first.checked_add(events.len())?)?;
        let same = stored.iter().zip(events).all(|(&index, event)| self.records[index].id == event.id);
        let last = &self.records[*stored.last()?];
        // A real server knows the position only once the event is indexed, and else says that it has none.
        same.then_some(Outcome::Written { revision: last.revision, position: None })
    }

    fn written(&mut self, stream: &str, events: Vec<Proposed>) -> Outcome {
        self.appends += 1;
        self.interleave(stream);
        let position = self.end;
        let revision = self.write(stream, events);
        Outcome::Written { revision, position: Some(position) }
    }

    /// What a server writes between the events of its clients, all of it in streams whose names start with `$`.
    fn interleave(&mut self, stream: &str) {
        if self.appends.is_multiple_of(3) {
            self.write("$stats-127.0.0.1:2113", vec![Proposed::system("$statsCollected", "{\"proc-cpu\":1.5}")]);
        }
        if self.appends.is_multiple_of(5) {
            let category = stream.split('-').next().unwrap_or_default();
            self.write(&format!("$ce-{category}"), vec![Proposed::system("$>", &format!("0@{stream}"))]);
        }
        if self.appends.is_multiple_of(7) {
            self.write(&format!("$${stream}"), vec![Proposed::system("$metadata", "{\"$maxCount\":1000000}")]);
        }
    }

    fn write(&mut self, stream: &str, events: Vec<Proposed>) -> u64 {
        let created = now().max(self.records.last().map_or(0, |record| record.created));
        let places = self.streams.entry(stream.to_owned()).or_default();
        for event in events {
            // Whatever a record is framed with on disk.
            let length = 61 + stream.len() + event.size();
            places.push(self.records.len());
            self.records.push(Record {
                position: self.end,
                stream: stream.to_owned(),
                revision: places.len() as u64 - 1,
                id: event.id,
                event_type: event.event_type,
                content_type: event.content_type,
                created,
                metadata: event.metadata,
                data: event.data,
            });
            self.end += length as u64;
        }
        places.len() as u64 - 1
    }
}

#[allow(clippy::disallowed_methods, reason = "a server has a clock of its own")]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos() / 100).unwrap_or(u64::MAX)
}

#[allow(clippy::disallowed_methods, reason = "a server makes ids of its own")]
pub fn random_id() -> Uuid {
    Uuid::new_v4()
}
