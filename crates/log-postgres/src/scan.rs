//! Reading all of the log, fast: `COPY … TO`, whose rows are cut out of what the server sends instead of being copied.

use std::{ops::Range, time::Duration};

use bytes::{Buf, Bytes, BytesMut};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use souk_domain::stream::{Category, StreamId};
use souk_ports::{LogError, Position, RecordedEvent};
use sqlx::postgres::PgPoolCopyExt;
use tokio::time::timeout;
use uuid::Uuid;

use crate::{error::meaning, read::Reader};

/// Positions that one statement takes: its snapshot keeps vacuum from its work no longer than that needs.
const SLICE: Position = 200_000;
/// A page is over once it has so many bytes, whatever its limit.
const PAGE_BYTES: usize = 8 << 20;
/// A row that takes longer than this is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// What stands before the rows: a signature of 11 bytes, flags, and the length of an extension that does not exist.
const HEADER: usize = 19;
const COLUMNS: i16 = 10;

/// Where a scan is.
struct Scan {
    reader: Reader,
    after: Position,
    page: usize,
    slice: Option<Slice>,
}

/// A running statement, up to and with position `to`.
struct Slice {
    to: Position,
    rows: BoxStream<'static, Result<Bytes, sqlx::Error>>,
    /// What was received and is no whole row yet.
    rest: Bytes,
    begun: bool,
    ended: bool,
}

/// Pages of events behind `after` up to the end of the log.
pub fn scan(reader: Reader, after: Position, page: usize) -> BoxStream<'static, Result<Vec<RecordedEvent>, LogError>> {
    let scan = Scan { reader, after, page: page.max(1), slice: None };
    Box::pin(stream::try_unfold(scan, |mut scan| async move { Ok(scan.next().await?.map(|events| (events, scan))) }))
}

impl Scan {
    async fn next(&mut self) -> Result<Option<Vec<RecordedEvent>>, LogError> {
        loop {
            let mut slice = match self.slice.take() {
                Some(slice) => slice,
                None => match open(&self.reader, self.after).await? {
                    Some(slice) => slice,
                    None => return Ok(None),
                },
            };
            let events = slice.page(self.page).await?;
            if slice.ended {
                self.after = slice.to;
            } else {
                self.slice = Some(slice);
            }
            if !events.is_empty() {
                return Ok(Some(events));
            }
        }
    }
}

/// The next statement; none at the end of the log.
async fn open(reader: &Reader, after: Position) -> Result<Option<Slice>, LogError> {
    let head = reader.head().await?;
    if after >= head {
        return Ok(None);
    }
    let to = head.min(after + SLICE);
    let statement = format!(
        "COPY (SELECT position, recorded_at, version, schema_version, stream, id, category, type, data, metadata \
         FROM souk_log.event WHERE position > {after} AND position <= {to} ORDER BY position) \
         TO STDOUT (FORMAT binary)"
    );
    let rows = reader.pool().copy_out_raw(&statement).await.map_err(|error| meaning(&error))?;
    Ok(Some(Slice { to, rows, rest: Bytes::new(), begun: false, ended: false }))
}

impl Slice {
    async fn page(&mut self, limit: usize) -> Result<Vec<RecordedEvent>, LogError> {
        let mut events = Vec::with_capacity(limit.min(8_192));
        let mut size = 0;
        while !self.ended && events.len() < limit && size < PAGE_BYTES {
            if let Some(event) = self.row()? {
                size += event.data.len() + event.metadata.len();
                events.push(event);
                continue;
            }
            if self.ended {
                break;
            }
            let received = timeout(PATIENCE, self.rows.next())
                .await
                .map_err(|_| LogError::Unavailable("the database did not answer in time".to_owned()))?;
            match received {
                Some(chunk) => self.take(chunk.map_err(|error| meaning(&error))?),
                None => return Err(LogError::Unavailable("the database stopped in the middle of the log".to_owned())),
            }
        }
        if self.ended {
            // Only behind the last message can the connection be used again.
            while let Some(chunk) = self.rows.next().await {
                chunk.map_err(|error| meaning(&error))?;
            }
        }
        Ok(events)
    }

    fn take(&mut self, chunk: Bytes) {
        if self.rest.is_empty() {
            self.rest = chunk;
        } else {
            let mut joined = BytesMut::with_capacity(self.rest.len() + chunk.len());
            joined.extend_from_slice(&self.rest);
            joined.extend_from_slice(&chunk);
            self.rest = joined.freeze();
        }
    }

    /// The next row of what was received; none when it is not whole yet, or was the last.
    fn row(&mut self) -> Result<Option<RecordedEvent>, LogError> {
        if !self.begun {
            if self.rest.len() < HEADER {
                return Ok(None);
            }
            self.rest.advance(HEADER);
            self.begun = true;
        }
        match count(&self.rest) {
            None => return Ok(None),
            Some(-1) => {
                self.ended = true;
                return Ok(None);
            }
            Some(COLUMNS) => {}
            Some(other) => return Err(LogError::Corrupt(format!("a row of souk_log.event has {other} columns"))),
        }
        let Some((fields, length)) = fields(&self.rest) else { return Ok(None) };
        let row = self.rest.split_to(length);
        decode(&row, fields).map(Some)
    }
}

/// Where the fields of a row are in it.
type Fields = [Range<usize>; COLUMNS as usize];

/// The number of columns that a row begins with.
fn count(row: &[u8]) -> Option<i16> {
    row.first_chunk().map(|count| i16::from_be_bytes(*count))
}

/// The fields of the row that `bytes` begin with, and its length; none when it is not whole.
fn fields(bytes: &[u8]) -> Option<(Fields, usize)> {
    let mut fields = [const { 0..0 }; COLUMNS as usize];
    let mut at = size_of::<i16>();
    for field in &mut fields {
        let length = i32::from_be_bytes(*bytes.get(at..)?.first_chunk()?);
        at += size_of::<i32>();
        // No column can be null, for which the length would be negative.
        let end = at + usize::try_from(length).unwrap_or(0);
        *field = at..end;
        at = end;
    }
    (at <= bytes.len()).then_some((fields, at))
}

fn decode(row: &Bytes, fields: Fields) -> Result<RecordedEvent, LogError> {
    let [position, recorded_at, version, schema_version, stream, id, category, event_type, data, metadata] = fields;
    let position = i64::from_be_bytes(fixed(&row[position], 0, "position")?).unsigned_abs();
    let corrupt = |column: &str, problem: &str| {
        LogError::Corrupt(format!("column {column} of souk_log.event at position {position} {problem}"))
    };
    let category = Category::ALL
        .into_iter()
        .find(|known| known.as_str().as_bytes() == &row[category.clone()])
        .ok_or_else(|| corrupt("category", "names no category"))?;
    let version = i32::from_be_bytes(fixed(&row[version], position, "version")?);
    let schema_version = i32::from_be_bytes(fixed(&row[schema_version], position, "schema_version")?);
    let event_type = std::str::from_utf8(&row[event_type]).map_err(|_| corrupt("type", "is no text"))?.to_owned();
    Ok(RecordedEvent {
        id: Uuid::from_bytes(fixed(&row[id], position, "id")?),
        stream: StreamId::new(category, Uuid::from_bytes(fixed(&row[stream], position, "stream")?)),
        version: u64::try_from(version).map_err(|_| corrupt("version", "is negative"))?,
        position,
        event_type,
        schema_version: u16::try_from(schema_version).map_err(|_| corrupt("schema_version", "is out of range"))?,
        recorded_at: time(i64::from_be_bytes(fixed(&row[recorded_at], position, "recorded_at")?))
            .ok_or_else(|| corrupt("recorded_at", "is out of range"))?,
        data: row.slice(data),
        metadata: row.slice(metadata),
    })
}

fn fixed<const N: usize>(field: &[u8], position: Position, column: &str) -> Result<[u8; N], LogError> {
    <[u8; N]>::try_from(field).map_err(|_| {
        LogError::Corrupt(format!("column {column} of souk_log.event at position {position} has {} bytes", field.len()))
    })
}

/// PostgreSQL counts microseconds from the year 2000.
fn time(microseconds: i64) -> Option<DateTime<Utc>> {
    const YEAR_2000: i64 = 946_684_800;
    DateTime::from_timestamp(YEAR_2000, 0)?.checked_add_signed(TimeDelta::microseconds(microseconds))
}
