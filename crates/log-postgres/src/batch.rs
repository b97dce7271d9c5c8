//! One batch of appends, as `souk_log.append` takes and answers it.

use souk_domain::stream::StreamId;
use souk_ports::{Appended, Expected, LogError, NewEvent, Position};
use sqlx::{PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

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

    /// The expected version, -1 for no stream.
    fn expected_version(&self) -> i64 {
        match self.expected {
            Expected::NoStream => -1,
            Expected::Version(version) => version.min(BEYOND).cast_signed(),
        }
    }
}

/// The arguments of `souk_log.append`.
#[derive(Default)]
struct Arguments<'a> {
    entry_category: Vec<&'a str>,
    entry_stream: Vec<Uuid>,
    entry_expected: Vec<i64>,
    entry_size: Vec<i32>,
    event_category: Vec<&'a str>,
    event_stream: Vec<Uuid>,
    event_version: Vec<i32>,
    event_id: Vec<Uuid>,
    event_type: Vec<&'a str>,
    event_schema: Vec<i32>,
    event_data: Vec<&'a [u8]>,
    event_metadata: Vec<&'a [u8]>,
}

impl<'a> Arguments<'a> {
    fn of(entries: &[&'a Entry]) -> Self {
        let mut arguments = Self::default();
        for entry in entries {
            let (category, stream) = (entry.stream.category.as_str(), entry.stream.uuid);
            let expected = entry.expected_version();
            arguments.entry_category.push(category);
            arguments.entry_stream.push(stream);
            arguments.entry_expected.push(expected);
            arguments.entry_size.push(i32::try_from(entry.events.len()).unwrap_or(i32::MAX));
            for (version, event) in (expected + 1..).zip(&entry.events) {
                arguments.event_category.push(category);
                arguments.event_stream.push(stream);
                // Beyond the column's range no expectation holds, so the version is not used.
                arguments.event_version.push(i32::try_from(version).unwrap_or(i32::MAX));
                arguments.event_id.push(event.id);
                arguments.event_type.push(&event.event_type);
                arguments.event_schema.push(i32::from(event.schema_version));
                arguments.event_data.push(&event.data);
                arguments.event_metadata.push(&event.metadata);
            }
        }
        arguments
    }

    /// Whether no two entries are of one stream.
    fn apart(&self) -> bool {
        let mut streams: Vec<_> = self.entry_stream.iter().zip(&self.entry_category).collect();
        streams.sort_unstable();
        streams.windows(2).all(|pair| pair[0] != pair[1])
    }
}

/// Writes `entries` in one transaction. The answers, in order, and how far the log has come.
pub async fn append(
    connection: &mut PgConnection,
    entries: &[&Entry],
) -> Result<(Vec<Answer>, Option<Position>), sqlx::Error> {
    let arguments = Arguments::of(entries);
    let row = sqlx::query(APPEND)
        .bind(arguments.apart())
        .bind(arguments.entry_category)
        .bind(arguments.entry_stream)
        .bind(arguments.entry_expected)
        .bind(arguments.entry_size)
        .bind(arguments.event_category)
        .bind(arguments.event_stream)
        .bind(arguments.event_version)
        .bind(arguments.event_id)
        .bind(arguments.event_type)
        .bind(arguments.event_schema)
        .bind(arguments.event_data)
        .bind(arguments.event_metadata)
        .fetch_one(connection)
        .await?;
    answers(entries, &row)
}

fn answers(entries: &[&Entry], row: &PgRow) -> Result<(Vec<Answer>, Option<Position>), sqlx::Error> {
    let answers: Vec<Answer> = if let Some(first) = row.try_get::<Option<i64>, _>(0)? {
        let mut next = first.unsigned_abs();
        entries
            .iter()
            .map(|entry| {
                let events = entry.events.len() as u64;
                next += events;
                let version = entry.expected_version() + events.cast_signed();
                Ok(Appended::Ok { version: version.unsigned_abs(), position: next - 1 })
            })
            .collect()
    } else {
        let outcomes: Vec<i16> = row.try_get(1)?;
        let versions: Vec<i64> = row.try_get(2)?;
        let positions: Vec<i64> = row.try_get(3)?;
        outcomes
            .into_iter()
            .zip(versions)
            .zip(positions)
            .map(|((outcome, version), position)| match outcome {
                0 => Ok(Appended::Ok { version: version.unsigned_abs(), position: position.unsigned_abs() }),
                1 => Ok(Appended::Conflict { actual: u64::try_from(version).ok() }),
                _ => Err(LogError::Refused("an event id is taken".to_owned())),
            })
            .collect()
    };
    if answers.len() != entries.len() {
        return Err(sqlx::Error::Protocol("souk_log.append did not answer every entry".to_owned()));
    }
    let head = answers.iter().filter_map(|answer| match answer {
        Ok(Appended::Ok { position, .. }) => Some(*position),
        _ => None,
    });
    let head = head.max();
    Ok((answers, head))
}
