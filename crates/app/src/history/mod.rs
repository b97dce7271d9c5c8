//! The audit: what happened to a plugin, as everyone, its vendor or an admin may see it.

use chrono::{DateTime, Utc};
use semver::Version;
use serde::Serialize;
use serde_json::Value;
use souk_domain::{id::PluginId, plugin::Plugin, vendor::Vendor};
use souk_ports::Position;

use crate::{App, AppError, Context, plugins::PluginRef};

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
    /// Its stream; streams that name a person's relation to the plugin show as a pseudonym to the public.
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
    pub id: Option<souk_domain::id::UserId>,
}

/// A page of a history.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Which plugin.
    pub plugin: PluginId,
    /// In order of position.
    pub items: Vec<Entry>,
    /// What to ask for as `after` to go on; none at the end.
    pub next: Option<Position>,
}

/// A plugin and what was counted of it at some moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Its listing and versions.
    pub plugin: Plugin,
    /// Its vendor then.
    pub vendor: Vendor,
    /// The version that new installations got.
    pub latest: Option<Version>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When its listing last changed.
    pub updated_at: DateTime<Utc>,
    /// Confidence of its latest concluded validation, 0 to 100.
    pub reliability: Option<u8>,
    /// Stars of all shown reviews.
    pub rating_sum: u64,
    /// How many shown reviews.
    pub rating_count: u64,
    /// How many installations there were.
    pub installs: u64,
}

/// The events that concern `plugin` behind `after`, at most `limit`, as the caller may see them. Waits until the read model
/// has reached `at_least`.
///
/// # Errors
/// `NotFound`, `Behind`.
pub async fn page(
    _app: &App,
    _viewer: &Context,
    _plugin: &PluginRef,
    _after: Position,
    _limit: usize,
    _at_least: Position,
) -> Result<Page, AppError> {
    unimplemented!()
}

/// The plugin as it stood at `time`, folded from its history.
///
/// # Errors
/// `NotFound` (also: it did not exist yet), `Behind`.
pub async fn as_of(_app: &App, _plugin: &PluginRef, _time: DateTime<Utc>) -> Result<Snapshot, AppError> {
    unimplemented!()
}
