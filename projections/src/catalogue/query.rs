//! What is read from the catalogue.

use chrono::{DateTime, Utc};
use serde::Serialize;
use souk_domain::{
    listing::{Complexity, Kind, Media, Pricing, Terms},
    name::PluginName,
};
use souk_projector::ReadGuard;
use sqlx::{AssertSqlSafe, FromRow};
use uuid::Uuid;

use super::PRIOR_WEIGHT;
use crate::QueryError;

/// A plugin as everyone sees it.
#[derive(Clone, Debug, PartialEq, Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Plugin {
    /// Which.
    pub id: Uuid,
    /// Its unique name as spelled by its maker.
    pub name: String,
    /// Name to show.
    pub display_name: String,
    /// What sort of asset.
    #[sqlx(json)]
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
    pub license: String,
    /// What it costs.
    #[sqlx(json)]
    pub pricing: Pricing,
    /// What a license allows.
    #[sqlx(json)]
    pub terms: Terms,
    /// Whose.
    #[sqlx(flatten)]
    pub vendor: PluginVendor,
    /// Where it stands.
    #[sqlx(json)]
    pub status: PluginStatus,
    /// What new installations get; none before the first approval, or when all are yanked.
    pub latest_version: Option<String>,
    /// 0 to 100; none before the first concluded validation.
    pub reliability: Option<i16>,
    /// What reviewers think.
    #[sqlx(flatten)]
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
    #[sqlx(json)]
    pub media: Vec<Media>,
    /// How hard it is to set up.
    #[sqlx(json(nullable))]
    pub complexity: Option<Complexity>,
    /// How long it takes to set up, minutes.
    pub setup_minutes: Option<i32>,
    /// What must be there first.
    pub requirements: Vec<String>,
    /// What its maker says of its end, if it is deprecated.
    pub deprecated: Option<String>,
}

/// The vendor of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub struct PluginVendor {
    /// Which.
    #[sqlx(rename = "vendor_id")]
    pub id: Uuid,
    /// Its name.
    #[sqlx(rename = "vendor_name")]
    pub name: String,
    /// Its unique short name.
    #[sqlx(rename = "vendor_slug")]
    pub slug: String,
    /// Whether an admin verified it.
    #[sqlx(rename = "vendor_verified")]
    pub verified: bool,
}

/// Where a plugin stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
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

/// What reviewers think of a plugin. Only live reviews count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rating {
    /// Bayesian mean of the stars, two decimals: (5 × 3.5 + sum) / (5 + count). None without reviews.
    pub mean: Option<f64>,
    /// How many reviews.
    pub count: i64,
}

impl Rating {
    /// The rating of `count` reviews with `sum` stars together.
    #[must_use]
    pub fn of(sum: i64, count: i64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "stars are far fewer than 2^52")]
        let mean = (count > 0).then(|| {
            let (weight, prior) = PRIOR_WEIGHT;
            let mean = (weight * prior + sum as f64) / (weight + count as f64);
            (mean * 100.0).round() / 100.0
        });
        Self { mean, count }
    }
}

impl FromRow<'_, sqlx::postgres::PgRow> for Rating {
    fn from_row(row: &sqlx::postgres::PgRow) -> Result<Self, sqlx::Error> {
        use sqlx::Row;
        Ok(Self::of(row.try_get("rating_sum")?, row.try_get("rating_count")?))
    }
}

/// A version of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// Semver.
    pub version: String,
    /// SHA-256 of the archive, hex.
    pub digest: String,
    /// Bytes of the archive.
    pub size: i64,
    /// Where it stands.
    #[sqlx(json)]
    pub status: VersionStatus,
    /// 0 to 100; none before its validation is concluded.
    pub confidence: Option<i16>,
    /// Whether its vendor signed it.
    pub signed: bool,
    /// When it was handed in.
    pub submitted_at: DateTime<Utc>,
}

/// Where a version stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
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

/// A vendor as everyone sees it, and who acts for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, FromRow)]
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
    /// Who acts for it; not for everyone's eyes.
    #[serde(skip)]
    pub owner_id: Uuid,
    /// When it was registered.
    pub registered_at: DateTime<Utc>,
}

/// The columns of [`Plugin`], from `catalogue_plugin p`, `catalogue_rank r` and `catalogue_vendor v`.
pub(super) const PLUGIN_COLUMNS: &str = include_str!("plugin_columns.sql");

/// The plugin that `id_or_name` means; names are compared in lower case with `.`, `_` and `-` equal.
///
/// # Errors
/// See [`QueryError`].
pub async fn plugin(guard: &ReadGuard, id_or_name: &str) -> Result<Option<Plugin>, QueryError> {
    let found = if let Ok(id) = id_or_name.parse::<Uuid>() {
        let sql = format!("SELECT {PLUGIN_COLUMNS} WHERE p.plugin_id = $1");
        sqlx::query_as(AssertSqlSafe(sql)).bind(id).fetch_optional(guard.pool()).await?
    } else {
        let Ok(name) = PluginName::parse(id_or_name) else { return Ok(None) };
        let sql = format!("SELECT {PLUGIN_COLUMNS} WHERE p.name_key = $1");
        sqlx::query_as(AssertSqlSafe(sql)).bind(name.key()).fetch_optional(guard.pool()).await?
    };
    Ok(found)
}

/// Every version of a plugin, the highest first.
///
/// # Errors
/// See [`QueryError`].
pub async fn versions(guard: &ReadGuard, plugin: Uuid) -> Result<Vec<Version>, QueryError> {
    let rows = sqlx::query_as(include_str!("versions.sql")).bind(plugin).fetch_all(guard.pool()).await?;
    Ok(rows)
}

const VENDOR_COLUMNS: &str =
    "SELECT vendor_id AS id, name, slug, verified, suspended, owner_id, registered_at FROM catalogue_vendor";

/// The vendor that `id_or_slug` means.
///
/// # Errors
/// See [`QueryError`].
pub async fn vendor(guard: &ReadGuard, id_or_slug: &str) -> Result<Option<Vendor>, QueryError> {
    let found = if let Ok(id) = id_or_slug.parse::<Uuid>() {
        let sql = format!("{VENDOR_COLUMNS} WHERE vendor_id = $1");
        sqlx::query_as(AssertSqlSafe(sql)).bind(id).fetch_optional(guard.pool()).await?
    } else {
        let sql = format!("{VENDOR_COLUMNS} WHERE slug = $1");
        sqlx::query_as(AssertSqlSafe(sql)).bind(id_or_slug.to_lowercase()).fetch_optional(guard.pool()).await?
    };
    Ok(found)
}

/// The vendors that `owner` acts for, oldest first.
///
/// # Errors
/// See [`QueryError`].
pub async fn vendors_of(guard: &ReadGuard, owner: Uuid) -> Result<Vec<Vendor>, QueryError> {
    let sql = format!("{VENDOR_COLUMNS} WHERE owner_id = $1 ORDER BY position");
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(owner).fetch_all(guard.pool()).await?)
}
