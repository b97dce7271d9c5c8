//! An event of Souk as KurrentDB keeps it.
//!
//! Data and metadata are kept as they were given: whoever reads KurrentDB without Souk finds the very bytes that the ledger
//! hashes, and `$correlationId` where KurrentDB looks for it. So the version of the shape has to live in what is left, the
//! type: `plugin.created` is version 1, `plugin.created@2` version 2.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use kurrentdb::EventData;
use serde_json::value::RawValue;
use souk_domain::stream::StreamId;
use souk_ports::{LogError, NewEvent, RecordedEvent};

/// Between a type and the version of its shape; no type has it.
const MARK: char = '@';

/// The greatest position that JSON numbers hold exactly.
const MAX_POSITION: u64 = (1 << 53) - 1;

/// What KurrentDB gets.
pub fn proposed(event: &NewEvent) -> EventData {
    let name = match event.schema_version {
        1 => event.event_type.clone(),
        version => format!("{}{MARK}{version}", event.event_type),
    };
    data(&name, &event.data).id(event.id).metadata(event.metadata.clone())
}

/// The library marks data as JSON only when it serializes them itself; text that is nothing but one JSON value comes out of
/// that as it went in. Other bytes are kept too, without the mark.
fn data(name: &str, bytes: &Bytes) -> EventData {
    match serde_json::from_slice::<&RawValue>(bytes) {
        Ok(value) if value.get().len() == bytes.len() => {
            EventData::json(name, &value).unwrap_or_else(|_| EventData::binary(name, bytes.clone()))
        }
        _ => EventData::binary(name, bytes.clone()),
    }
}

/// What KurrentDB has; none when Souk did not write it.
///
/// # Errors
/// The event cannot be what Souk wrote.
pub fn recorded(event: kurrentdb::RecordedEvent) -> Result<Option<RecordedEvent>, LogError> {
    if event.event_type.starts_with('$') {
        return Ok(None);
    }
    let Some(stream) = stream(event.stream_id()) else { return Ok(None) };
    let corrupt = |what: &str| {
        LogError::Corrupt(format!("stream {stream}, revision {}, event {}: {what}", event.revision, event.id))
    };
    let position = event.position.commit;
    if position > MAX_POSITION {
        return Err(corrupt("the server tells no position that JSON holds; it must be 22.6 or newer"));
    }
    let (event_type, schema_version) = match event.event_type.split_once(MARK) {
        None => (event.event_type.clone(), 1),
        Some((name, version)) => {
            let version = version.parse().map_err(|_| corrupt("its type ends with no schema version"))?;
            (name.to_owned(), version)
        }
    };
    // The library itself cuts this to seconds.
    let ticks = event.metadata.get("created").and_then(|created| created.parse::<i64>().ok());
    let recorded_at = ticks.and_then(|ticks| DateTime::<Utc>::from_timestamp_micros(ticks / 10));
    Ok(Some(RecordedEvent {
        id: event.id,
        stream,
        version: event.revision,
        position,
        event_type,
        schema_version,
        recorded_at: recorded_at.ok_or_else(|| corrupt("it has no time"))?,
        data: event.data,
        metadata: event.custom_metadata,
    }))
}

/// The stream of that name, if Souk would name it so.
fn stream(name: &str) -> Option<StreamId> {
    let stream: StreamId = name.parse().ok()?;
    (stream.to_string() == name).then_some(stream)
}
