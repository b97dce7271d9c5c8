//! Public events: what partners are told, as a contract of its own. A pure mapping from what the log has, by an allowlist of types and
//! fields ([`catalogue`]); who did or bought something is never in it, and what is about one person has a pseudonym.

pub mod catalogue;
mod feed;
mod filter;
mod pages;
mod ring;
mod schema;
mod shape;

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value, json};
use sha2::Sha256;
use souk_domain::{
    event::{DecodeError, DomainEvent},
    id::{PluginId, VendorId},
    stream::{Category, StreamId},
};
use souk_ports::{Concerned, Position, RecordedEvent, Vault};
use uuid::Uuid;

pub use self::{
    catalogue::{Audience, PublicType, TYPES, find},
    feed::{Batch, Page, PublicFeed, Subscription},
    filter::{Asked, Filter, Refusal, open_scopes, parse_patterns},
    schema::{address, breaks, schema},
    shape::Shape,
};

/// The most positions that one page looks through.
pub use self::feed::MOST_LOOKED_THROUGH;

/// Something that happened, as partners are told it.
#[derive(Clone, Debug)]
pub struct PublicEvent {
    /// Where in the log; what it is resumed by.
    pub position: Position,
    /// The recorded event's id: unique, the same however often it is told.
    pub id: Uuid,
    /// What sort of event.
    pub public: &'static PublicType,
    /// What it is about, `plugin/UUID` and the like.
    pub subject: String,
    /// The plugin that it concerns.
    pub plugin: Option<PluginId>,
    /// The vendor that it concerns.
    pub vendor: Option<VendorId>,
    /// When it was recorded.
    pub time: DateTime<Utc>,
    /// What it says.
    pub data: Value,
    /// Events with the same key keep their order.
    pub key: String,
    /// It as a CloudEvent in JSON, with a member `timestamp` as Standard Webhooks want it.
    pub json: Bytes,
}

/// Why an event cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untold {
    /// A newer Souk wrote it: one of these may tell it later.
    #[error("position {position}: {problem}")]
    Newer {
        /// Where in the log.
        position: Position,
        /// What is newer.
        problem: String,
    },
}

/// Makes public events of recorded ones.
#[derive(Clone)]
pub struct Mapper {
    secret: [u8; 32],
    source: String,
    base: String,
}

impl std::fmt::Debug for Mapper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mapper").field("source", &self.source).finish_non_exhaustive()
    }
}

impl Mapper {
    /// A mapper with the pseudonyms of `vault`; `public_url` is where Souk is found, if that is known.
    #[must_use]
    pub fn new(vault: &dyn Vault, public_url: Option<&str>) -> Self {
        let base = public_url.unwrap_or_default().trim_end_matches('/').to_owned();
        let source = if base.is_empty() { "/souk".to_owned() } else { base.clone() };
        Self { secret: vault.derived_secret("public-pseudonym"), source, base }
    }

    /// `source` of every event.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Where the schema of a type is found.
    #[must_use]
    pub fn schema_address(&self, public: &PublicType) -> String {
        address(public, &self.base)
    }

    /// What partners are told of `recorded`; none when that is nothing.
    ///
    /// # Errors
    /// A newer Souk wrote it.
    pub fn map(&self, recorded: &RecordedEvent) -> Result<Option<PublicEvent>, Untold> {
        let Some(public) = TYPES.iter().find(|public| public.name == recorded.event_type) else { return Ok(None) };
        match self.told(public, recorded) {
            Ok(event) => Ok(Some(event)),
            Err(Odd::Newer(problem)) => Err(Untold::Newer { position: recorded.position, problem }),
            Err(Odd::Unfit(problem)) => {
                // It stays as odd as it is; whoever waited for it would wait for ever.
                tracing::error!(position = recorded.position, problem, "an event cannot be told to partners");
                Ok(None)
            }
        }
    }

    fn told(&self, public: &'static PublicType, recorded: &RecordedEvent) -> Result<PublicEvent, Odd> {
        let event = DomainEvent::decode_bytes(&recorded.event_type, recorded.schema_version, &recorded.data);
        let event = event.map_err(|error| match error {
            DecodeError::FutureVersion { .. } => Odd::Newer(error.to_string()),
            error => Odd::Unfit(error.to_string()),
        })?;
        let Concerned { plugin_id: plugin, vendor_id: vendor, .. } =
            serde_json::from_slice(&recorded.metadata).map_err(|error| Odd::Unfit(format!("metadata: {error}")))?;
        let plugin = plugin.or_else(|| about(recorded.stream, Category::Plugin));
        let vendor = vendor.or_else(|| about(recorded.stream, Category::Vendor));
        let data = data(public, event.encode().data)?;
        let subject = self.subject(recorded.stream);
        let key = plugin.map(|id| id.to_string()).or_else(|| vendor.map(|id| id.to_string()));
        let (position, id, time) = (recorded.position, recorded.id, recorded.recorded_at);
        let key = key.unwrap_or_else(|| subject.clone());
        let mut told =
            PublicEvent { position, id, public, subject, plugin, vendor, time, data, key, json: Bytes::new() };
        told.json = self.cloud_event(&told).to_string().into();
        Ok(told)
    }

    /// Ids of installations and reviews follow from their user's, and those of orders and licenses are between two parties.
    fn subject(&self, stream: StreamId) -> String {
        let category = stream.category.as_str();
        match stream.category {
            Category::Plugin | Category::Validation | Category::Vendor => format!("{category}/{}", stream.uuid),
            _ => format!("{category}/{}", self.pseudonym(&stream.to_string())),
        }
    }

    /// 32 hex digits, the same for the same `what` at any time.
    fn pseudonym(&self, what: &str) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.secret) else { return String::new() };
        mac.update(what.as_bytes());
        let mut name = hex::encode(mac.finalize().into_bytes());
        name.truncate(32);
        name
    }

    fn cloud_event(&self, event: &PublicEvent) -> Value {
        let time = event.time.to_rfc3339_opts(SecondsFormat::Micros, true);
        let mut told = json!({
            "specversion": "1.0",
            "id": event.id,
            "source": self.source,
            "type": event.public.full_name(),
            "subject": event.subject,
            "time": time,
            "timestamp": time,
            "datacontenttype": "application/json",
            "dataschema": self.schema_address(event.public),
            "sequence": event.position.to_string(),
            "partitionkey": event.key,
            "data": event.data,
        });
        for (name, id) in
            [("pluginid", event.plugin.map(|id| id.to_string())), ("vendorid", event.vendor.map(|id| id.to_string()))]
        {
            if let Some(id) = id {
                told[name] = id.into();
            }
        }
        told
    }
}

enum Odd {
    Newer(String),
    Unfit(String),
}

fn about<K>(stream: StreamId, category: Category) -> Option<souk_domain::id::Id<K>> {
    (stream.category == category).then(|| stream.uuid.into())
}

fn data(public: &PublicType, fields: Value) -> Result<Value, Odd> {
    let Value::Object(mut fields) = fields else { return Err(Odd::Unfit("it has no fields".to_owned())) };
    let mut shown = Map::new();
    for field in public.fields {
        let value = fields.remove(field.name).filter(|value| !value.is_null());
        let fits = value.and_then(|value| field.shape.of(value));
        match fits {
            Some(value) => drop(shown.insert(field.name.to_owned(), value)),
            None if field.required => return Err(Odd::Unfit(format!("`{}` does not fit its shape", field.name))),
            None => {}
        }
    }
    Ok(Value::Object(shown))
}

#[cfg(test)]
mod tests;
