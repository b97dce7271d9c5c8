//! Listings and their versions.

use std::{fmt, str::FromStr};

use bytes::Bytes;
use semver::Version;
use serde_json::Value;
use souk_domain::{
    id::{PluginId, VendorId},
    listing::{Complexity, Details, Kind, Media, Pricing, Terms},
    plugin::{Plugin, Release},
};
use uuid::Uuid;

use crate::{App, AppError, Context, Done, Read};

/// Names a plugin in a path: its id, or its name in any spelling that is equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginRef {
    /// By id.
    Id(PluginId),
    /// By name.
    Name(String),
}

impl From<PluginId> for PluginRef {
    fn from(id: PluginId) -> Self {
        Self::Id(id)
    }
}

impl From<&str> for PluginRef {
    fn from(text: &str) -> Self {
        Uuid::from_str(text).map_or_else(|_| Self::Name(text.to_owned()), |uuid| Self::Id(uuid.into()))
    }
}

impl fmt::Display for PluginRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// A new plugin.
#[derive(Clone, Debug)]
pub struct CreatePlugin {
    /// Its unique name.
    pub name: String,
    /// What it is; checked here.
    pub details: Details,
    /// What it costs; checked here.
    pub pricing: Pricing,
    /// What a license allows; checked here.
    pub terms: Terms,
    /// Whose; the caller's only vendor when absent.
    pub vendor: Option<VendorId>,
}

/// What to change of a plugin; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct Amend {
    /// Name to show.
    pub display_name: Option<String>,
    /// Refused when it differs: a kind never changes.
    pub kind: Option<Kind>,
    /// One paragraph.
    pub summary: Option<String>,
    /// Markdown.
    pub description: Option<String>,
    /// One category.
    pub category: Option<String>,
    /// All tags.
    pub tags: Option<Vec<String>>,
    /// SPDX expression.
    pub license: Option<String>,
    /// All media.
    pub media: Option<Vec<Media>>,
    /// `Some(None)` takes it away.
    pub complexity: Option<Option<Complexity>>,
    /// `Some(None)` takes it away.
    pub setup_minutes: Option<Option<u32>>,
    /// All requirements.
    pub requirements: Option<Vec<String>>,
    /// The price.
    pub pricing: Option<Pricing>,
    /// The terms.
    pub terms: Option<Terms>,
}

/// A version to hand in.
#[derive(Clone, Debug)]
pub struct SubmitVersion {
    /// At least `{name,version,kind,summary,license}`.
    pub manifest: Value,
    /// The archive.
    pub artifact: Bytes,
}

/// A version of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginVersion {
    /// Of which plugin.
    pub plugin: PluginId,
    /// Which.
    pub version: Version,
    /// Digest, size, status.
    pub release: Release,
}

/// The id of the plugin that `plugin` names. An id is not looked up.
///
/// # Errors
/// `NotFound`.
pub async fn resolve(_app: &App, _plugin: &PluginRef) -> Result<PluginId, AppError> {
    unimplemented!()
}

/// The plugin as its stream tells it.
///
/// # Errors
/// `NotFound`.
pub async fn get(_app: &App, _plugin: &PluginRef) -> Result<Read<Plugin>, AppError> {
    unimplemented!()
}

/// Lists a plugin. The id is derived from the command.
///
/// # Errors
/// `Unauthorized`, `Forbidden`, `Invalid` (also of `vendor` when the caller has several); conflict `name_taken`.
pub async fn create(_app: &App, _ctx: &Context, _input: CreatePlugin) -> Result<Done<Plugin>, AppError> {
    unimplemented!()
}

/// Changes details, price or terms.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`, `Invalid`.
pub async fn amend(_app: &App, _ctx: &Context, _plugin: &PluginRef, _input: Amend) -> Result<Done<Plugin>, AppError> {
    unimplemented!()
}

/// Keeps the archive and hands the version in; it is validated behind.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden` (also: the vendor is not verified), `Invalid`; conflicts
/// `version_not_increasing` and `digest_changed`.
pub async fn submit_version(
    _app: &App,
    _ctx: &Context,
    _plugin: &PluginRef,
    _input: SubmitVersion,
) -> Result<Done<PluginVersion>, AppError> {
    unimplemented!()
}

/// Takes a version back; owner or admin.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`, `Invalid`; conflict `wrong_status`.
pub async fn yank(
    _app: &App,
    _ctx: &Context,
    _plugin: &PluginRef,
    _version: &Version,
    _reason: &str,
) -> Result<Done<PluginVersion>, AppError> {
    unimplemented!()
}

/// A moderator lets a version be installed, once its validation is over.
///
/// # Errors
/// `NotFound`, `Forbidden`; conflicts `validation_not_concluded`, `already_adjudicated`, `wrong_status`.
pub async fn approve(
    _app: &App,
    _ctx: &Context,
    _plugin: &PluginRef,
    _version: &Version,
) -> Result<Done<PluginVersion>, AppError> {
    unimplemented!()
}

/// A moderator refuses a version, once its validation is over.
///
/// # Errors
/// See [`approve`]; `Invalid`.
pub async fn reject(
    _app: &App,
    _ctx: &Context,
    _plugin: &PluginRef,
    _version: &Version,
    _reason: &str,
) -> Result<Done<PluginVersion>, AppError> {
    unimplemented!()
}

/// Takes a plugin out of the shop; moderator.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid`.
pub async fn suspend(_app: &App, _ctx: &Context, _plugin: &PluginRef, _reason: &str) -> Result<Done<Plugin>, AppError> {
    unimplemented!()
}

/// Puts a plugin back; moderator.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn reinstate(_app: &App, _ctx: &Context, _plugin: &PluginRef) -> Result<Done<Plugin>, AppError> {
    unimplemented!()
}

/// Announces a plugin's end; owner or admin.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`, `Invalid`.
pub async fn deprecate(
    _app: &App,
    _ctx: &Context,
    _plugin: &PluginRef,
    _message: &str,
) -> Result<Done<Plugin>, AppError> {
    unimplemented!()
}

/// Gives a plugin to another vendor; admin, or the owner of both vendors.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`.
pub async fn transfer(
    _app: &App,
    _ctx: &Context,
    _plugin: &PluginRef,
    _vendor: VendorId,
) -> Result<Done<Plugin>, AppError> {
    unimplemented!()
}
