//! Events as folds see them.

use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Utc};
use memchr::memmem;
use serde_json::Value;
use souk_domain::{
    event::DomainEvent,
    id::{PluginId, UserId, VendorId},
    personal::SEALED_MARKER,
    stream::{Category, StreamId},
};
use souk_ports::{Concerned, Position, RecordedEvent, Vault, VaultError};
use uuid::Uuid;

/// A decoded event. Personal fields are readable, unless their key is gone.
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
    /// `category.past_tense`
    pub event_type: String,
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

/// Why an event could not be decoded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Undecodable {
    /// It contradicts the model: trying again gives the same.
    #[error("{0}")]
    Poison(String),
    /// The keys of persons cannot be reached for now.
    #[error(transparent)]
    Vault(VaultError),
}

/// Turns recorded events into envelopes.
#[derive(Clone)]
pub struct Decoder {
    vault: Arc<dyn Vault>,
}

impl Decoder {
    /// A decoder that opens personal fields through `vault`.
    #[must_use]
    pub fn new(vault: Arc<dyn Vault>) -> Self {
        Self { vault }
    }

    /// Gets what opening the personal fields of `events` needs, at once.
    ///
    /// # Errors
    /// The keys of persons cannot be reached.
    pub(crate) async fn prepare(&self, events: &[RecordedEvent]) -> Result<(), VaultError> {
        let sealed = events.iter().filter(|event| has_sealed_fields(&event.data));
        let mut subjects: Vec<UserId> = sealed.flat_map(|event| subjects(&event.data)).collect();
        subjects.sort_unstable();
        subjects.dedup();
        if subjects.is_empty() { Ok(()) } else { self.vault.prepare(&subjects).await }
    }

    /// Decodes `event`.
    ///
    /// # Errors
    /// See [`Undecodable`].
    pub async fn decode(&self, event: &RecordedEvent) -> Result<Envelope, Undecodable> {
        let concerned = serde_json::from_slice(&event.metadata)
            .map_err(|error| Undecodable::Poison(format!("its metadata cannot be read: {error}")))?;
        let decoded = if has_sealed_fields(&event.data) {
            let sealed: Value = serde_json::from_slice(&event.data)
                .map_err(|error| Undecodable::Poison(format!("its data is not JSON: {error}")))?;
            let opened = self.vault.open(event.id, event.stream, sealed).await.map_err(|error| match error {
                VaultError::Unavailable(_) => Undecodable::Vault(error),
                VaultError::Forged { .. } | VaultError::Invalid { .. } => Undecodable::Poison(error.to_string()),
            })?;
            DomainEvent::decode(&event.event_type, event.schema_version, opened)
        } else {
            DomainEvent::decode_bytes(&event.event_type, event.schema_version, &event.data)
        };
        Ok(Envelope {
            id: event.id,
            stream: event.stream,
            version: event.version,
            position: event.position,
            event_type: event.event_type.clone(),
            recorded_at: event.recorded_at,
            concerned,
            event: decoded.map_err(|error| Undecodable::Poison(error.to_string()))?,
        })
    }
}

/// Whether `data` may hold sealed fields. Most events hold none, and are then decoded without a detour over a JSON tree.
fn has_sealed_fields(data: &[u8]) -> bool {
    static MARKER: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(SEALED_MARKER));
    MARKER.find(data).is_some()
}

/// Whose fields are sealed in `data`, as far as that shows without reading it: a guess that saves time when it is right.
fn subjects(data: &[u8]) -> Vec<UserId> {
    const NAMED: &[u8] = b"\"kid\":\"";
    const LENGTH: usize = 36;
    memmem::find_iter(data, NAMED)
        .filter_map(|at| {
            let text = data.get(at + NAMED.len()..at + NAMED.len() + LENGTH)?;
            std::str::from_utf8(text).ok()?.parse().ok()
        })
        .collect()
}
