//! What of an event is in the tree.
//!
//! A leaf is JSON as RFC 8785 writes it: an object of texts, its members in the order of their names, nothing blank.
//!
//! | member | what |
//! |---|---|
//! | `data` | SHA-256 of 32 bytes of salt and the exact bytes of the event's data; 64 hex digits |
//! | `id` | the event's id |
//! | `index` | its place in the tree, decimal, from 0 |
//! | `metadata` | as `data`, of its metadata and with another salt |
//! | `position` | its place in the log, decimal |
//! | `schemaVersion` | version of the shape of its data, decimal |
//! | `stream` | its stream, `category-uuid`; or `category*` and 32 hex digits where the id would tell whose it is |
//! | `time` | when the log recorded it: RFC 3339, UTC, six decimals |
//! | `type` | `category.past_tense` |
//! | `version` | its place in the stream, decimal, from 0 |
//!
//! Tiles are public, and much of what events hold could be guessed. So each hash has a salt that nobody can compute without Souk's
//! key: HMAC-SHA256, keyed with a secret derived from the key-encryption key, of `data/`, `metadata/` and the 16 bytes of the event's
//! id, or of `stream/` and the stream's name. A stream's pseudonym is the beginning of SHA-256 of its salt and its name.

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use souk_domain::stream::{Category, StreamId};
use souk_ports::{RecordedEvent, ledger::Openings};
use uuid::Uuid;

/// A leaf. Fields are in the order of their names, which the encoding relies on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Leaf {
    /// SHA-256 of salt and data, hex.
    pub data: String,
    /// Id of the event.
    pub id: Uuid,
    /// Place in the tree.
    pub index: String,
    /// SHA-256 of salt and metadata, hex.
    pub metadata: String,
    /// Place in the log.
    pub position: String,
    /// Version of the shape of the data.
    pub schema_version: String,
    /// Name or pseudonym of the stream.
    pub stream: String,
    /// When the log recorded it.
    pub time: String,
    /// Type of the event.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Place in the stream.
    pub version: String,
}

impl Leaf {
    /// The leaf of `event` at `index`.
    #[must_use]
    pub fn of(index: u64, event: &RecordedEvent, openings: &Openings) -> Self {
        Self {
            data: salted(&openings.data, &event.data),
            id: event.id,
            index: index.to_string(),
            metadata: salted(&openings.metadata, &event.metadata),
            position: event.position.to_string(),
            schema_version: event.schema_version.to_string(),
            stream: stream_name(event.stream, openings.stream.as_ref()),
            time: time(event.recorded_at),
            event_type: event.event_type.clone(),
            version: event.version.to_string(),
        }
    }

    /// Its bytes.
    ///
    /// # Errors
    /// None that a leaf has.
    pub fn encode(&self) -> Result<Bytes, serde_json::Error> {
        serde_json::to_vec(self).map(Bytes::from)
    }

    /// The leaf that `bytes` are; none when they are not exactly one.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let leaf: Self = serde_json::from_slice(bytes).ok()?;
        (leaf.encode().ok()? == bytes).then_some(leaf)
    }
}

/// A time as leaves write it.
#[must_use]
pub fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// SHA-256 of `salt` and `bytes`, 64 hex digits.
#[must_use]
pub fn salted(salt: &[u8; 32], bytes: &[u8]) -> String {
    hex::encode(Sha256::new().chain_update(salt).chain_update(bytes).finalize())
}

/// What a leaf calls `stream`.
#[must_use]
pub fn stream_name(stream: StreamId, salt: Option<&[u8; 32]>) -> String {
    let name = stream.to_string();
    match salt {
        None => name,
        Some(salt) => format!("{}*{}", stream.category.as_str(), &salted(salt, name.as_bytes())[..32]),
    }
}

/// Streams whose ids are public and tell nothing about a person. The others' follow from who bought, installed or wrote something.
const fn is_public(category: Category) -> bool {
    matches!(
        category,
        Category::Plugin | Category::Validation | Category::Vendor | Category::Name | Category::Slug | Category::Key
    )
}

/// Makes salts.
#[derive(Clone)]
pub struct Salts(Hmac<Sha256>);

impl Salts {
    /// Salts that follow from `secret`.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        // A key of a block's length is used as it is, and 32 bytes are filled up with zeros.
        let mut block = [0; 64];
        block[..32].copy_from_slice(&secret);
        Self(<Hmac<Sha256> as KeyInit>::new(&block.into()))
    }

    /// Those of `event`.
    #[must_use]
    pub fn openings(&self, event: &RecordedEvent) -> Openings {
        let stream =
            (!is_public(event.stream.category)).then(|| self.salt(b"stream/", event.stream.to_string().as_bytes()));
        Openings {
            stream,
            data: self.salt(b"data/", event.id.as_bytes()),
            metadata: self.salt(b"metadata/", event.id.as_bytes()),
        }
    }

    fn salt(&self, purpose: &[u8], of: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(purpose);
        mac.update(of);
        mac.finalize().into_bytes().into()
    }
}
