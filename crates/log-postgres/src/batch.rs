//! One batch of appends, as `souk_log.append_apart` or `souk_log.append` takes and answers it.

use souk_domain::stream::StreamId;
use souk_ports::{Appended, Expected, LogError, NewEvent, Position};
use sqlx::{PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use crate::written::Written;

/// All entries or none; the cheaper one.
const APPEND_APART: &str = include_str!("../sql/call_append_apart.sql");
/// Entry by entry.
const APPEND: &str = include_str!("../sql/call_append.sql");

/// A version that no stream has; greater ones are cut to it, so that no sum overflows.
const BEYOND: u64 = 1 << 40;

/// What one caller wants.
pub struct Entry {
    pub stream: StreamId,
    pub expected: Expected,
    pub events: Vec<NewEvent>,
}

/// What became of an [`Entry`].
pub type Answer = Result<Appended, LogError>;

impl Entry {
    /// Bytes of its events.
    pub fn size(&self) -> usize {
        self.events.iter().map(|event| event.data.len() + event.metadata.len()).sum()
    }

    /// Its stream, and the version that is to be the last one there; none for no stream.
    fn base(&self) -> (StreamId, Option<u64>) {
        let version = match self.expected {
            Expected::NoStream => None,
            Expected::Version(version) => Some(version),
        };
        (self.stream, version)
    }

    /// The expected version, -1 for no stream.
    fn expected_version(&self) -> i64 {
        match self.expected {
            Expected::NoStream => -1,
            Expected::Version(version) => version.min(BEYOND).cast_signed(),
        }
    }
}

/// The streams that entries are to be appended to, as both functions take them.
#[derive(Default)]
struct Streams<'a> {
    category: Vec<&'a str>,
    stream: Vec<Uuid>,
    expected: Vec<i64>,
}

impl<'a> Streams<'a> {
    fn of(entries: impl Iterator<Item = &'a Entry>) -> Self {
        let mut streams = Self::default();
        for entry in entries {
            streams.category.push(entry.stream.category.as_str());
            streams.stream.push(entry.stream.uuid);
            streams.expected.push(entry.expected_version());
        }
        streams
    }
}

/// The events of entries, as both functions take them.
#[derive(Default)]
struct Events<'a> {
    category: Vec<&'a str>,
    stream: Vec<Uuid>,
    version: Vec<i32>,
    id: Vec<Uuid>,
    event_type: Vec<&'a str>,
    schema: Vec<i32>,
    data: Vec<&'a [u8]>,
    metadata: Vec<&'a [u8]>,
}

impl<'a> Events<'a> {
    fn of(entries: &[&'a Entry]) -> Self {
        let mut events = Self::default();
        for entry in entries {
            for (version, event) in (entry.expected_version() + 1..).zip(&entry.events) {
                events.category.push(entry.stream.category.as_str());
                events.stream.push(entry.stream.uuid);
                // Beyond the column's range no expectation holds, so the version is not used.
                events.version.push(i32::try_from(version).unwrap_or(i32::MAX));
                events.id.push(event.id);
                events.event_type.push(&event.event_type);
                events.schema.push(i32::from(event.schema_version));
                events.data.push(&event.data);
                events.metadata.push(&event.metadata);
            }
        }
        events
    }
}

/// Whether no two entries are of one stream.
pub fn apart(entries: &[&Entry]) -> bool {
    let mut streams: Vec<_> = entries.iter().map(|entry| (entry.stream.uuid, entry.stream.category.as_str())).collect();
    streams.sort_unstable();
    streams.windows(2).all(|pair| pair[0] != pair[1])
}

/// Writes all of `entries`, which are [`apart`], in one transaction. None when one of them is not as expected: then nothing was
/// written. Is it one of those that `written` vouches for, or whose stream is to be new, that is a violation of
/// `event_stream_version`. `careful` looks at all of them first instead, which costs more and wastes nothing.
pub async fn append_apart(
    connection: &mut PgConnection,
    entries: &[&Entry],
    written: &Written,
    careful: bool,
) -> Result<Option<Vec<Answer>>, sqlx::Error> {
    let based = entries.iter().map(|entry| entry.base());
    let known = written.know(based.map(|(stream, version)| (stream, version.unwrap_or_default())));
    let doubtful = entries.iter().zip(known).filter(|(entry, known)| careful || (entry.base().1.is_some() && !known));
    let doubtful = Streams::of(doubtful.map(|(entry, _)| *entry));
    let events = Events::of(entries);
    let first: Option<i64> = sqlx::query_scalar(APPEND_APART)
        .bind(doubtful.category)
        .bind(doubtful.stream)
        .bind(doubtful.expected)
        .bind(events.category)
        .bind(events.stream)
        .bind(events.version)
        .bind(events.id)
        .bind(events.event_type)
        .bind(events.schema)
        .bind(events.data)
        .bind(events.metadata)
        .fetch_one(connection)
        .await?;
    let Some(first) = first else { return Ok(None) };
    let mut next = first.unsigned_abs();
    let answers = entries.iter().map(|entry| {
        let events = entry.events.len() as u64;
        next += events;
        let version = entry.expected_version() + events.cast_signed();
        Ok(Appended::Ok { version: version.unsigned_abs(), position: next - 1 })
    });
    Ok(Some(answers.collect()))
}

/// Writes `entries` in one transaction, one after the other; one that does not fit fails alone. The answers, in order.
pub async fn append(connection: &mut PgConnection, entries: &[&Entry]) -> Result<Vec<Answer>, sqlx::Error> {
    let streams = Streams::of(entries.iter().copied());
    let sizes: Vec<i32> = entries.iter().map(|entry| i32::try_from(entry.events.len()).unwrap_or(i32::MAX)).collect();
    let events = Events::of(entries);
    let row = sqlx::query(APPEND)
        .bind(streams.category)
        .bind(streams.stream)
        .bind(streams.expected)
        .bind(sizes)
        .bind(events.category)
        .bind(events.stream)
        .bind(events.version)
        .bind(events.id)
        .bind(events.event_type)
        .bind(events.schema)
        .bind(events.data)
        .bind(events.metadata)
        .fetch_one(connection)
        .await?;
    answers(entries, &row)
}

fn answers(entries: &[&Entry], row: &PgRow) -> Result<Vec<Answer>, sqlx::Error> {
    let outcomes: Vec<i16> = row.try_get(0)?;
    let versions: Vec<i64> = row.try_get(1)?;
    let positions: Vec<i64> = row.try_get(2)?;
    let answers: Vec<Answer> = outcomes
        .into_iter()
        .zip(versions)
        .zip(positions)
        .map(|((outcome, version), position)| match outcome {
            0 => Ok(Appended::Ok { version: version.unsigned_abs(), position: position.unsigned_abs() }),
            1 => Ok(Appended::Conflict { actual: u64::try_from(version).ok() }),
            _ => Err(LogError::Refused("an event id is taken".to_owned())),
        })
        .collect();
    if answers.len() != entries.len() {
        return Err(sqlx::Error::Protocol("souk_log.append did not answer every entry".to_owned()));
    }
    Ok(answers)
}

/// How far the log has come, and its streams, as far as `answers` tell.
pub fn reached(entries: &[&Entry], answers: &[Answer], written: &Written) -> Option<Position> {
    let done = || {
        entries.iter().zip(answers).filter_map(|(entry, answer)| match answer {
            Ok(Appended::Ok { version, position }) => Some((entry.stream, *version, *position)),
            _ => None,
        })
    };
    written.reached(done().map(|(stream, version, _)| (stream, version)));
    done().map(|(_, _, position)| position).max()
}
