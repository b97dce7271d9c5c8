//! One event as somebody may see it.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::Sha256;
use souk_domain::{
    event::DomainEvent,
    id::{PluginId, UserId},
    personal::{CLEAR_MARKER, ERASED_MARKER, SEALED_MARKER},
    stream::{Category, StreamId},
    user::Role,
};
use souk_ports::{Actor, ActorKind, Metadata, Position, RecordedEvent};

use super::visible::{Viewer, rule_of};
use crate::{App, AppError};

/// What stands for a personal text whose key was destroyed.
pub const ERASED: &str = "[erased]";

/// One event of a history.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its place in the log.
    pub position: Position,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When the log recorded it.
    pub recorded_at: DateTime<Utc>,
    /// Who.
    pub actor: PublicActor,
    /// Its stream; one that would tell whose it is has a pseudonym, stable within one plugin.
    pub stream: String,
    /// Its place in the stream.
    pub version: u64,
    /// Its fields, as far as the viewer may see them.
    pub data: Value,
}

/// Who caused an event, as a viewer may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PublicActor {
    /// `customer`, `vendor`, `moderator`, `admin`, `anonymous`, `system` or `operator`.
    pub role: &'static str,
    /// Stable within one plugin, for who has an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pseudonym: Option<String>,
    /// The user; for admins only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<UserId>,
}

/// Makes names that say nothing outside of one plugin's history.
pub(super) struct Pseudonyms {
    key: Hmac<Sha256>,
}

impl Pseudonyms {
    pub(super) fn of(app: &App, plugin: PluginId) -> Result<Self, AppError> {
        let secret = app.ports.vault.derived_secret("history-pseudonym");
        let mut key = Hmac::<Sha256>::new_from_slice(&secret)
            .map_err(|_| AppError::Internal("the secret of pseudonyms has no use as a key".to_owned()))?;
        key.update(plugin.uuid().as_bytes());
        Ok(Self { key })
    }

    /// 16 hex digits.
    fn name(&self, what: &str) -> String {
        let mut mac = self.key.clone();
        mac.update(what.as_bytes());
        let mut name = hex::encode(mac.finalize().into_bytes());
        name.truncate(16);
        name
    }

    fn actor(&self, actor: &Actor, viewer: Viewer) -> PublicActor {
        let role = match (actor.kind, actor.role) {
            (ActorKind::System, _) => "system",
            (ActorKind::Operator, _) => "operator",
            (ActorKind::Anonymous, _) => "anonymous",
            (ActorKind::User, Some(Role::Vendor)) => "vendor",
            (ActorKind::User, Some(Role::Moderator)) => "moderator",
            (ActorKind::User, Some(Role::Admin)) => "admin",
            (ActorKind::User, Some(Role::Customer) | None) => "customer",
        };
        PublicActor {
            role,
            pseudonym: actor.id.map(|id| self.name(&id.to_string())),
            id: actor.id.filter(|_| viewer == Viewer::Admin),
        }
    }

    /// Ids of installations and reviews follow from their user's, and those of orders and licenses are between two parties.
    fn stream(&self, stream: StreamId, viewer: Viewer) -> String {
        match stream.category {
            Category::Plugin | Category::Validation | Category::Vendor => stream.to_string(),
            _ if viewer == Viewer::Admin => stream.to_string(),
            category => format!("{}-{}", category.as_str(), self.name(&stream.to_string())),
        }
    }
}

/// `recorded` as `viewer` may see it.
pub(super) async fn entry(
    app: &App,
    pseudonyms: &Pseudonyms,
    recorded: &RecordedEvent,
    viewer: Viewer,
) -> Result<Entry, AppError> {
    let metadata: Metadata = serde_json::from_slice(&recorded.metadata).map_err(|error| {
        AppError::Internal(format!("metadata at position {} of the log: {error}", recorded.position))
    })?;
    Ok(Entry {
        position: recorded.position,
        event_type: recorded.event_type.clone(),
        recorded_at: recorded.recorded_at,
        actor: pseudonyms.actor(&metadata.actor, viewer),
        stream: pseudonyms.stream(recorded.stream, viewer),
        version: recorded.version,
        data: data(app, recorded, viewer).await?,
    })
}

async fn data(app: &App, recorded: &RecordedEvent, viewer: Viewer) -> Result<Value, AppError> {
    let event = if viewer == Viewer::Admin {
        app.open(recorded).await?
    } else {
        match DomainEvent::decode_bytes(&recorded.event_type, recorded.schema_version, &recorded.data) {
            Ok(event) => event,
            // Written by a newer Souk: that it happened is all that can be said of it.
            Err(_) => return Ok(Value::Object(Map::new())),
        }
    };
    let (Value::Object(fields), Some(rule)) = (event.encode().data, rule_of(&recorded.event_type)) else {
        return Ok(Value::Object(Map::new()));
    };
    let shown = fields
        .into_iter()
        .filter(|(field, _)| rule.shows(field, viewer))
        .map(|(field, value)| (field, plain(value)))
        .collect();
    Ok(Value::Object(shown))
}

/// The text of a personal field that was opened, null for one that is sealed, [`ERASED`] for one that is erased.
pub(crate) fn plain(value: Value) -> Value {
    match value {
        Value::Object(mut fields) => {
            if let Some(clear) = fields.get_mut(CLEAR_MARKER) {
                return clear.get_mut("text").map(Value::take).unwrap_or_default();
            }
            if fields.contains_key(ERASED_MARKER) {
                return Value::String(ERASED.to_owned());
            }
            if fields.contains_key(SEALED_MARKER) {
                return Value::Null;
            }
            Value::Object(fields.into_iter().map(|(name, value)| (name, plain(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(plain).collect()),
        other => other,
    }
}
