//! The audit of a plugin.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use souk_app::history::{Entry, PublicActor};
use souk_ports::Position;
use utoipa::ToSchema;
use uuid::Uuid;

/// An event of a plugin's history.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// Its place in the log.
    pub position: Position,
    /// Its type.
    #[serde(rename = "type")]
    #[schema(example = "plugin.version_approved")]
    pub event_type: String,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// Who.
    pub actor: HistoryActor,
    /// Its stream; streams of persons show as a pseudonym.
    pub stream: String,
    /// Its place in the stream, from 0.
    pub version: u64,
    /// Its fields, as far as the caller may see them.
    #[schema(value_type = Object)]
    pub data: Value,
}

/// Who caused an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryActor {
    /// `customer`, `vendor`, `moderator`, `admin`, `anonymous`, `system` or `operator`.
    pub role: &'static str,
    /// Stable within one plugin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pseudonym: Option<String>,
    /// The account; for admins only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
}

impl From<Entry> for HistoryEntry {
    fn from(entry: Entry) -> Self {
        let PublicActor { role, pseudonym, id } = entry.actor;
        Self {
            position: entry.position,
            event_type: entry.event_type,
            recorded_at: entry.recorded_at,
            actor: HistoryActor { role, pseudonym, id: id.map(souk_domain::id::UserId::uuid) },
            stream: entry.stream,
            version: entry.version,
            data: entry.data,
        }
    }
}
