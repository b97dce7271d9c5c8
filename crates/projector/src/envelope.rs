//! Events as folds see them.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use souk_domain::{
    event::DomainEvent,
    id::{PluginId, VendorId},
    stream::{Category, StreamId},
};
use souk_ports::{Concerned, Position, RecordedEvent};
use uuid::Uuid;

/// A decoded event. Personal fields are sealed, as the log keeps them: read models never hold a text that can be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// Unique.
    pub id: Uuid,
    /// Its stream.
    pub stream: StreamId,
    /// Its place in the stream, from 0.
    pub version: u64,
    /// Its place in the log.
    pub position: Position,
    /// When the log recorded it.
    pub recorded_at: DateTime<Utc>,
    /// What it concerns besides its stream.
    pub concerned: Concerned,
    /// What happened.
    pub event: DomainEvent,
}

impl Envelope {
    /// The plugin it concerns.
    #[must_use]
    pub fn plugin_id(&self) -> Option<PluginId> {
        let of_stream = (self.stream.category == Category::Plugin).then(|| PluginId::new(self.stream.uuid));
        of_stream.or(self.concerned.plugin_id)
    }

    /// The vendor it concerns.
    #[must_use]
    pub fn vendor_id(&self) -> Option<VendorId> {
        let of_stream = (self.stream.category == Category::Vendor).then(|| VendorId::new(self.stream.uuid));
        of_stream.or(self.concerned.vendor_id)
    }
}

fn concerned(metadata: &[u8]) -> Result<Concerned, String> {
    let unreadable = |error: &dyn std::fmt::Display| format!("its metadata cannot be read: {error}");
    let metadata = std::str::from_utf8(metadata).map_err(|error| unreadable(&error))?;
    serde_json::from_str(metadata).map_err(|error| unreadable(&error))
}

/// Decodes events in the order of the log: those of one append have the same metadata, which is read once.
#[derive(Debug, Default)]
pub struct Decoder {
    metadata: Bytes,
    concerned: Concerned,
}

impl Decoder {
    /// The envelope of `event`.
    ///
    /// # Errors
    /// What in it contradicts the model: trying again gives the same.
    pub fn decode(&mut self, event: &RecordedEvent) -> Result<Envelope, String> {
        if event.metadata.is_empty() || event.metadata != self.metadata {
            self.concerned = concerned(&event.metadata)?;
            self.metadata = event.metadata.clone();
        }
        let decoded = DomainEvent::decode_bytes(&event.event_type, event.schema_version, &event.data);
        Ok(Envelope {
            id: event.id,
            stream: event.stream,
            version: event.version,
            position: event.position,
            recorded_at: event.recorded_at,
            concerned: self.concerned,
            event: decoded.map_err(|error| error.to_string())?,
        })
    }
}
