//! Plugins, versions and vendors.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use souk_app::{history::Snapshot, plugins::PluginVersion};
use souk_domain::{
    listing::{Complexity, Kind, Media, Pricing, Terms},
    plugin::{self, ReleaseStatus},
    vendor,
};
use souk_projections::catalogue as rows;
use utoipa::ToSchema;
use uuid::Uuid;

use super::vocabulary;

/// A plugin.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plugin {
    /// Which.
    pub id: Uuid,
    /// Its unique name as spelled by its maker.
    pub name: String,
    /// Name to show.
    pub display_name: String,
    /// What sort of asset.
    #[schema(value_type = vocabulary::Kind)]
    pub kind: Kind,
    /// One paragraph.
    pub summary: String,
    /// Markdown.
    pub description: String,
    /// One category.
    pub category: String,
    /// Tags as spelled by its maker.
    pub tags: Vec<String>,
    /// SPDX expression or `NOASSERTION`.
    #[schema(example = "MIT")]
    pub license: String,
    /// What it costs.
    #[schema(value_type = vocabulary::Pricing)]
    pub pricing: Pricing,
    /// What a license allows.
    #[schema(value_type = vocabulary::Terms)]
    pub terms: Terms,
    /// Whose.
    pub vendor: PluginVendor,
    /// Where it stands.
    pub status: PluginStatus,
    /// What new installations get; null before the first approval, or when all are yanked.
    pub latest_version: Option<String>,
    /// 0 to 100; null before the first concluded validation.
    pub reliability: Option<i64>,
    /// What reviewers think.
    pub rating: Rating,
    /// How many users ever installed it.
    pub installs: i64,
    /// How often it was downloaded, each user, version and UTC day once.
    pub downloads: i64,
    /// When it was listed.
    pub created_at: DateTime<Utc>,
    /// When it, or a version of it, last changed.
    pub updated_at: DateTime<Utc>,
    /// Pictures and films.
    #[schema(value_type = Vec<vocabulary::Media>)]
    pub media: Vec<Media>,
    /// How hard it is to set up.
    #[schema(value_type = Option<vocabulary::Complexity>)]
    pub complexity: Option<Complexity>,
    /// How long it takes to set up, minutes.
    pub setup_minutes: Option<i64>,
    /// What must be there first.
    pub requirements: Vec<String>,
    /// What its maker says of its end, if it is deprecated.
    pub deprecated: Option<String>,
}

/// The vendor of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PluginVendor {
    /// Which.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its unique short name.
    pub slug: String,
    /// Whether an admin verified it.
    pub verified: bool,
}

/// Where a plugin stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PluginStatus {
    /// No version was ever approved.
    Draft,
    /// It can be found.
    Published,
    /// A moderator took it out of the shop.
    Suspended,
    /// Its end was announced.
    Deprecated,
}

/// What reviewers think of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Rating {
    /// Bayesian mean of the stars, two decimals; null without reviews.
    pub mean: Option<f64>,
    /// How many reviews.
    pub count: i64,
}

/// A version of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// Semver.
    #[schema(example = "1.0.0")]
    pub version: String,
    /// SHA-256 of the archive, hex.
    pub digest: String,
    /// Bytes of the archive.
    pub size: i64,
    /// Where it stands.
    pub status: VersionStatus,
    /// 0 to 100; null before its validation is concluded.
    pub confidence: Option<i64>,
    /// Whether its vendor signed it.
    pub signed: bool,
    /// When it was handed in.
    pub submitted_at: DateTime<Utc>,
}

/// Where a version stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionStatus {
    /// Waits for its validation.
    Submitted,
    /// Is being validated.
    Validating,
    /// A moderator decides.
    NeedsReview,
    /// Can be installed.
    Approved,
    /// Does not install, unless its vendor's appeal overturns that.
    Rejected,
    /// Was approved and no longer installs.
    Yanked,
}

/// A vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Vendor {
    /// Which.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its unique short name.
    pub slug: String,
    /// Whether an admin verified it.
    pub verified: bool,
    /// Whether an admin suspended it.
    pub suspended: bool,
    /// When it was registered.
    pub registered_at: DateTime<Utc>,
    /// The share of each payment that Souk keeps, hundredths of a percent; for the vendor and admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commission: Option<u16>,
}

/// What a search found. It is written by [`search_result`], from pages that are bytes already.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchResult {
    /// One page.
    pub items: Vec<Plugin>,
    /// How many there are on all pages.
    pub total: i64,
    /// How many of all that were found have each value, by property.
    pub facets: Facets,
    /// What to ask for as `cursor` to go on; null at the end.
    pub next_cursor: Option<String>,
    /// What was looked for instead, when nothing has the words as they were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrected_query: Option<String>,
}

/// How many plugins have each value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"kind": {"skill": 2}}))]
pub struct Facets {
    /// By kind.
    pub kind: BTreeMap<String, i64>,
    /// By category.
    pub category: BTreeMap<String, i64>,
    /// By tag, lower case.
    pub tag: BTreeMap<String, i64>,
    /// By way of charging.
    pub pricing: BTreeMap<String, i64>,
    /// By license.
    pub license: BTreeMap<String, i64>,
}

impl From<rows::PluginVendor> for PluginVendor {
    fn from(row: rows::PluginVendor) -> Self {
        Self { id: row.id, name: row.name, slug: row.slug, verified: row.verified }
    }
}

impl From<rows::Plugin> for Plugin {
    fn from(row: rows::Plugin) -> Self {
        Self {
            id: row.id,
            name: row.name,
            display_name: row.display_name,
            kind: row.kind,
            summary: row.summary,
            description: row.description,
            category: row.category,
            tags: row.tags,
            license: row.license,
            pricing: row.pricing,
            terms: row.terms,
            vendor: row.vendor.into(),
            status: row.status.into(),
            latest_version: row.latest_version,
            reliability: row.reliability.map(Into::into),
            rating: row.rating.into(),
            installs: row.installs,
            downloads: row.downloads,
            created_at: row.created_at,
            updated_at: row.updated_at,
            media: row.media,
            complexity: row.complexity,
            setup_minutes: row.setup_minutes.map(Into::into),
            requirements: row.requirements,
            deprecated: row.deprecated,
        }
    }
}

impl Plugin {
    /// A plugin as its stream tells it; `before` knows what other streams add, as it was a moment ago.
    #[must_use]
    pub fn of_stream(
        plugin: plugin::Plugin,
        vendor: &vendor::Vendor,
        before: Option<Self>,
        now: DateTime<Utc>,
    ) -> Self {
        let status = status(&plugin);
        let latest_version = plugin.latest().map(ToString::to_string);
        let details = plugin.details;
        Self {
            id: plugin.id.uuid(),
            name: plugin.name,
            display_name: details.display_name,
            kind: details.kind,
            summary: details.summary,
            description: details.description,
            category: details.category,
            tags: details.tags,
            license: details.license,
            pricing: plugin.pricing,
            terms: plugin.terms,
            vendor: PluginVendor {
                id: vendor.id.uuid(),
                name: vendor.name.clone(),
                slug: vendor.slug.clone(),
                verified: vendor.verified,
            },
            status,
            latest_version,
            reliability: before.as_ref().and_then(|before| before.reliability),
            rating: before.as_ref().map_or(Rating { mean: None, count: 0 }, |before| before.rating),
            installs: before.as_ref().map_or(0, |before| before.installs),
            downloads: before.as_ref().map_or(0, |before| before.downloads),
            created_at: before.as_ref().map_or(now, |before| before.created_at),
            updated_at: now,
            media: details.media,
            complexity: details.complexity,
            setup_minutes: details.setup_minutes.map(Into::into),
            requirements: details.requirements,
            deprecated: plugin.deprecated,
        }
    }
}

impl From<Snapshot> for Plugin {
    fn from(then: Snapshot) -> Self {
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let reliability = then.reliability().map(Into::into);
        let stars = (1..).zip(then.stars).map(|(stars, count): (i64, _)| stars * whole(count)).sum();
        let count = then.stars.into_iter().map(whole).sum();
        let plugin = Self::of_stream(then.plugin, &then.vendor, None, then.updated_at);
        Self {
            reliability,
            rating: rows::Rating::of(stars, count).into(),
            installs: whole(then.installs),
            downloads: whole(then.downloads),
            created_at: then.created_at,
            ..plugin
        }
    }
}

fn status(plugin: &plugin::Plugin) -> PluginStatus {
    let was_approved = |status| matches!(status, ReleaseStatus::Approved | ReleaseStatus::Yanked);
    if plugin.suspended.is_some() {
        PluginStatus::Suspended
    } else if plugin.deprecated.is_some() {
        PluginStatus::Deprecated
    } else if plugin.versions.values().any(|release| was_approved(release.status)) {
        PluginStatus::Published
    } else {
        PluginStatus::Draft
    }
}

impl From<rows::PluginStatus> for PluginStatus {
    fn from(status: rows::PluginStatus) -> Self {
        match status {
            rows::PluginStatus::Draft => Self::Draft,
            rows::PluginStatus::Published => Self::Published,
            rows::PluginStatus::Suspended => Self::Suspended,
            rows::PluginStatus::Deprecated => Self::Deprecated,
        }
    }
}

impl From<rows::Rating> for Rating {
    fn from(rating: rows::Rating) -> Self {
        Self { mean: rating.mean, count: rating.count }
    }
}

impl From<rows::Version> for Version {
    fn from(row: rows::Version) -> Self {
        Self {
            version: row.version,
            digest: row.digest,
            size: row.size,
            status: row.status.into(),
            confidence: row.confidence.map(Into::into),
            signed: row.signed,
            submitted_at: row.submitted_at,
        }
    }
}

impl Version {
    /// A version as its plugin's stream tells it; `before` knows what its validation adds, as it was a moment ago.
    #[must_use]
    pub fn of_stream(version: PluginVersion, before: Option<Self>, now: DateTime<Utc>) -> Self {
        let PluginVersion { version, release, .. } = version;
        Self {
            version: version.to_string(),
            digest: release.digest,
            size: i64::try_from(release.size).unwrap_or(i64::MAX),
            status: release.status.into(),
            confidence: before.as_ref().and_then(|before| before.confidence),
            signed: release.signature.is_some(),
            submitted_at: before.map_or(now, |before| before.submitted_at),
        }
    }
}

impl From<ReleaseStatus> for VersionStatus {
    fn from(status: ReleaseStatus) -> Self {
        match status {
            ReleaseStatus::Submitted => Self::Submitted,
            ReleaseStatus::Approved => Self::Approved,
            ReleaseStatus::Rejected => Self::Rejected,
            ReleaseStatus::Yanked => Self::Yanked,
        }
    }
}

impl From<rows::VersionStatus> for VersionStatus {
    fn from(status: rows::VersionStatus) -> Self {
        match status {
            rows::VersionStatus::Submitted => Self::Submitted,
            rows::VersionStatus::Validating => Self::Validating,
            rows::VersionStatus::NeedsReview => Self::NeedsReview,
            rows::VersionStatus::Approved => Self::Approved,
            rows::VersionStatus::Rejected => Self::Rejected,
            rows::VersionStatus::Yanked => Self::Yanked,
        }
    }
}

impl From<rows::Vendor> for Vendor {
    fn from(row: rows::Vendor) -> Self {
        Self {
            id: row.id,
            name: row.name,
            slug: row.slug,
            verified: row.verified,
            suspended: row.suspended,
            registered_at: row.registered_at,
            commission: None,
        }
    }
}

impl Vendor {
    /// A vendor as its stream tells it; `before` knows since when there is one.
    #[must_use]
    pub fn of_stream(vendor: vendor::Vendor, before: Option<Self>, now: DateTime<Utc>) -> Self {
        Self {
            id: vendor.id.uuid(),
            name: vendor.name,
            slug: vendor.slug,
            verified: vendor.verified,
            suspended: vendor.suspended,
            registered_at: before.map_or(now, |before| before.registered_at),
            commission: Some(vendor.commission.get()),
        }
    }
}
