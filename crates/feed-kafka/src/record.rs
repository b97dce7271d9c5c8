//! Events as records: CloudEvents in binary mode.

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use rdkafka::message::{BorrowedHeaders, Header, Headers, Message, OwnedHeaders};
use souk_domain::stream::StreamId;
use souk_ports::{Position, RecordedEvent, partition::partition_key};
use uuid::Uuid;

/// The type of a record that is no event: its partition is complete up to its sequence.
const WATERMARK: &str = "souk.watermark";

/// What a record of the topic says.
#[derive(Debug, PartialEq, Eq)]
pub struct Read {
    /// Before it, the partition was complete up to here.
    pub previous: Position,
    /// With it, up to here.
    pub upto: Position,
    /// The event, unless it is a watermark.
    pub event: Option<RecordedEvent>,
}

fn headers(source: &str, event_type: &str, id: &str, previous: Position, sequence: Position) -> OwnedHeaders {
    let text = |key, value: &str| (key, value.to_owned());
    [
        text("ce_specversion", "1.0"),
        text("ce_type", event_type),
        text("ce_source", source),
        text("ce_id", id),
        text("ce_sequence", &sequence.to_string()),
        text("souk_previous", &previous.to_string()),
        text("content-type", "application/json"),
    ]
    .iter()
    .fold(OwnedHeaders::new_with_capacity(14), |headers, (key, value)| add(headers, key, value.as_bytes()))
}

fn add(headers: OwnedHeaders, key: &str, value: &[u8]) -> OwnedHeaders {
    headers.insert(Header { key, value: Some(value) })
}

/// The key of `event`'s record.
pub fn key(event: &RecordedEvent) -> String {
    partition_key(event).hyphenated().to_string()
}

/// The headers of `event`'s record; its value is the data as it is.
pub fn of_event(event: &RecordedEvent, source: &str, previous: Position) -> OwnedHeaders {
    let headers = headers(source, &event.event_type, &event.id.to_string(), previous, event.position);
    let time = event.recorded_at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    let headers = add(headers, "ce_time", time.as_bytes());
    let headers = add(headers, "ce_subject", event.stream.to_string().as_bytes());
    let headers = add(headers, "ce_partitionkey", key(event).as_bytes());
    let headers = add(headers, "ce_streamversion", event.version.to_string().as_bytes());
    let headers = add(headers, "ce_schemaversion", event.schema_version.to_string().as_bytes());
    add(headers, "souk_metadata", &event.metadata)
}

/// The headers of a watermark of `partition`.
pub fn of_watermark(source: &str, partition: i32, previous: Position, upto: Position) -> OwnedHeaders {
    headers(source, WATERMARK, &format!("watermark-{partition}-{upto}"), previous, upto)
}

/// Reads a record; in words why it is not Souk's.
pub fn read(message: &impl Message<Headers = BorrowedHeaders>, source: &str) -> Result<Read, String> {
    let headers = message.headers().ok_or("it has no headers")?;
    let found = Found { headers };
    let from = found.text("ce_source")?;
    if from != source {
        return Err(format!("its `ce_source` is not {source:?}"));
    }
    let (previous, upto) = (found.parse("souk_previous")?, found.parse("ce_sequence")?);
    let event_type = found.text("ce_type")?;
    if event_type == WATERMARK {
        return Ok(Read { previous, upto, event: None });
    }
    let event = RecordedEvent {
        id: found.parse::<Uuid>("ce_id")?,
        stream: found.parse::<StreamId>("ce_subject")?,
        version: found.parse("ce_streamversion")?,
        position: upto,
        event_type: event_type.to_owned(),
        schema_version: found.parse("ce_schemaversion")?,
        recorded_at: found.parse::<DateTime<Utc>>("ce_time")?,
        data: Bytes::copy_from_slice(message.payload().unwrap_or_default()),
        metadata: Bytes::copy_from_slice(found.bytes("souk_metadata")?),
    };
    Ok(Read { previous, upto, event: Some(event) })
}

struct Found<'a> {
    headers: &'a BorrowedHeaders,
}

impl<'a> Found<'a> {
    fn bytes(&self, key: &str) -> Result<&'a [u8], String> {
        let header = self.headers.iter().find(|header| header.key == key);
        header.and_then(|header| header.value).ok_or_else(|| format!("it has no header `{key}`"))
    }

    fn text(&self, key: &str) -> Result<&'a str, String> {
        std::str::from_utf8(self.bytes(key)?).map_err(|_| format!("its header `{key}` is no text"))
    }

    fn parse<T: std::str::FromStr>(&self, key: &str) -> Result<T, String> {
        self.text(key)?.parse().map_err(|_| format!("its header `{key}` cannot be read"))
    }
}
