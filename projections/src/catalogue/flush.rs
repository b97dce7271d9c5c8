//! How changes of the catalogue are written.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use semver::Version;
use serde::{Serialize, Serializer};
use souk_domain::listing::{Details, Media, Pricing, Terms};
use souk_domain::name::PluginName;
use souk_projector::{Changes, Envelope, Tables};
use uuid::Uuid;

use super::fold::{
    CatalogueChanges, Download, PluginPatch, RankPatch, VendorPatch, VersionPatch, VersionRow, sort_key, status,
};
use crate::{
    copy::{Fields, Row},
    rows::{self, each, held},
};

const VENDORS: &str = "catalogue_vendor";
const PLUGINS: &str = "catalogue_plugin";
const VERSIONS: &str = "catalogue_version";
const DOWNLOADS: &str = "catalogue_download";

#[async_trait]
impl Changes for CatalogueChanges {
    fn fold(&mut self, event: &Envelope) {
        self.add(event);
    }

    fn size(&self) -> usize {
        held::<(Uuid, VendorPatch)>(self.vendors.len(), 50)
            + held::<(Uuid, PluginPatch, Details)>(self.plugins.len(), 50)
            + held::<(Uuid, RankPatch)>(self.ranks.len(), 0)
            + held::<(Uuid, String, VersionPatch)>(self.versions.len(), 120)
            + held::<Download>(self.downloads.len(), 10)
            + self.texts
    }

    async fn flush(mut self: Box<Self>, tables: &mut Tables<'_>) -> Result<(), sqlx::Error> {
        self.flush_vendors(tables).await?;
        self.count_downloads(tables).await?;
        self.flush_plugins(tables).await?;
        self.new_ranks(tables).await?;
        self.flush_versions(tables).await?;
        self.count_ranks(tables).await
    }
}

#[derive(Serialize)]
struct NewVendor<'a> {
    vendor_id: Uuid,
    owner_id: Uuid,
    name: &'a str,
    slug: &'a str,
    verified: bool,
    suspended: bool,
    registered_at: DateTime<Utc>,
    position: u64,
    changed: u64,
}

#[derive(Serialize)]
struct OldVendor {
    vendor_id: Uuid,
    verified: bool,
    suspended: bool,
    changed: u64,
}

/// A plugin that is new, with all that became of it.
#[derive(Serialize)]
struct NewPlugin<'a> {
    #[serde(flatten)]
    described: Described<'a>,
    vendor_id: Uuid,
    name: &'a str,
    name_key: String,
    pricing: &'a Pricing,
    terms: &'a Terms,
    published: bool,
    suspended: Option<&'a str>,
    deprecated: Option<&'a str>,
    latest_version: Option<&'a str>,
    rolled_back_to: Option<String>,
    rolled_back_at: Option<u64>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    position: u64,
}

impl Row for NewPlugin<'_> {
    const TARGET: (&'static str, &'static str) = (
        PLUGINS,
        "plugin_id, display_name, summary, description, tags, media, complexity, setup_minutes, requirements, kind, \
         category, license, described, vendor_id, name, name_key, pricing, terms, published, suspended, deprecated, \
         latest_version, rolled_back_to, rolled_back_at, created_at, updated_at, position",
    );

    fn put(&self, fields: &mut Fields<'_>) {
        let said = &self.described;
        fields.uuid(said.plugin_id).text(said.display_name).text(said.summary).text(said.description);
        fields.texts(said.tags).json(&said.media).maybe_text(said.complexity.as_deref());
        fields.maybe_int(said.setup_minutes.map(|minutes| i32::try_from(minutes).unwrap_or(i32::MAX)));
        fields.texts(said.requirements).text(&said.kind).text(said.category).text(said.license);
        fields.big(rows::big(said.described)).uuid(self.vendor_id).text(self.name).text(&self.name_key);
        fields.json(self.pricing).json(self.terms).flag(self.published).maybe_text(self.suspended);
        fields.maybe_text(self.deprecated).maybe_text(self.latest_version).maybe_text(self.rolled_back_to.as_deref());
        fields.maybe_big(self.rolled_back_at.map(rows::big)).time(self.created_at).time(self.updated_at);
        fields.big(rows::big(self.position));
    }
}

/// What a plugin says of itself.
#[derive(Serialize)]
struct Described<'a> {
    plugin_id: Uuid,
    display_name: &'a str,
    summary: &'a str,
    description: &'a str,
    tags: &'a [String],
    media: &'a [Media],
    complexity: Option<String>,
    setup_minutes: Option<u32>,
    requirements: &'a [String],
    kind: String,
    category: &'a str,
    license: &'a str,
    described: u64,
}

impl<'a> Described<'a> {
    fn of(plugin_id: Uuid, details: &'a Details, described: u64) -> Self {
        Self {
            plugin_id,
            display_name: &details.display_name,
            summary: &details.summary,
            description: &details.description,
            tags: &details.tags,
            media: &details.media,
            complexity: details.complexity.as_ref().map(rows::word),
            setup_minutes: details.setup_minutes,
            requirements: &details.requirements,
            kind: rows::word(&details.kind),
            category: &details.category,
            license: &details.license,
            described,
        }
    }
}

#[derive(Serialize)]
struct Priced<'a> {
    plugin_id: Uuid,
    pricing: &'a Pricing,
    terms: &'a Terms,
}

#[derive(Serialize)]
struct Placed<'a> {
    plugin_id: Uuid,
    vendor_id: Option<Uuid>,
    published: bool,
    suspension_changed: bool,
    suspended: Option<&'a str>,
    deprecated: Option<&'a str>,
    rolled_back_to: Option<String>,
    rolled_back_at: Option<u64>,
    updated_at: DateTime<Utc>,
}

/// A version that is new, with all that became of it.
#[derive(Serialize)]
struct NewVersion<'a> {
    plugin_id: Uuid,
    version: &'a str,
    #[serde(serialize_with = "as_hex")]
    sort_key: &'a [u8],
    prerelease: bool,
    digest: &'a str,
    size: u64,
    status: i16,
    confidence: Option<u8>,
    signed: bool,
    submitted_at: DateTime<Utc>,
    approved_at: Option<u64>,
}

fn as_hex<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(bytes))
}

impl Row for NewVersion<'_> {
    const TARGET: (&'static str, &'static str) = (
        VERSIONS,
        "plugin_id, version, sort_key, prerelease, digest, size, status, confidence, signed, submitted_at, \
        approved_at",
    );

    fn put(&self, fields: &mut Fields<'_>) {
        fields.uuid(self.plugin_id).text(self.version).bytes(self.sort_key).flag(self.prerelease).text(self.digest);
        fields.big(rows::big(self.size)).small(self.status).maybe_small(self.confidence.map(i16::from));
        fields.flag(self.signed).time(self.submitted_at).maybe_big(self.approved_at.map(rows::big));
    }
}

#[derive(Serialize)]
struct MovedVersion<'a> {
    plugin_id: Uuid,
    version: &'a str,
    status: Option<i16>,
    progress: Option<i16>,
    confidence: Option<u8>,
    approved_at: Option<u64>,
}

impl CatalogueChanges {
    /// Tells each plugin how many of its downloads were not counted yet.
    async fn count_downloads(&mut self, tables: &mut Tables<'_>) -> Result<(), sqlx::Error> {
        if self.downloads.is_empty() {
            return Ok(());
        }
        tables.key(DOWNLOADS).await?;
        let (mut plugins, mut users, mut versions, mut days) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for Download { plugin, user, version, day } in std::mem::take(&mut self.downloads) {
            plugins.push(plugin);
            users.push(user);
            versions.push(version);
            days.push(day);
        }
        let counted: Vec<(Uuid, i64)> = sqlx::query_as(include_str!("count_downloads.sql"))
            .bind(plugins)
            .bind(users)
            .bind(versions)
            .bind(days)
            .fetch_all(tables.connection().await?)
            .await?;
        for (plugin, count) in counted {
            if let Some(patch) = self.ranks.get_mut(&plugin) {
                patch.downloads = count;
            }
        }
        Ok(())
    }

    async fn flush_vendors(&self, tables: &mut Tables<'_>) -> Result<(), sqlx::Error> {
        let (mut new, mut old) = (Vec::new(), Vec::new());
        for (vendor_id, patch) in &self.vendors {
            let (vendor_id, verified, suspended) = (*vendor_id, patch.verified, patch.suspended);
            let changed = patch.changed;
            match &patch.registered {
                Some(row) => new.push(NewVendor {
                    vendor_id,
                    owner_id: row.owner,
                    name: &row.name,
                    slug: &row.slug,
                    verified,
                    suspended,
                    registered_at: row.at,
                    position: row.position,
                    changed,
                }),
                None => old.push(OldVendor { vendor_id, verified, suspended, changed }),
            }
        }
        rows::write(tables, VENDORS, include_str!("new_vendors.sql"), &new).await?;
        rows::write(tables, VENDORS, include_str!("old_vendors.sql"), &old).await
    }

    async fn flush_plugins(&self, tables: &mut Tables<'_>) -> Result<(), sqlx::Error> {
        let new = each(self.plugins.iter().filter_map(|(id, patch)| self.new_plugin(*id, patch)));
        rows::insert(tables, include_str!("new_plugins.sql"), new).await?;
        let (mut described, mut priced, mut placed) = (Vec::new(), Vec::new(), Vec::new());
        for (plugin_id, patch) in self.plugins.iter().filter(|(_, patch)| !patch.is_whole()) {
            let plugin_id = *plugin_id;
            described.extend(patch.details.as_ref().map(|(details, at)| Described::of(plugin_id, details, *at)));
            priced.extend(patch.price.as_ref().map(|(pricing, terms)| Priced { plugin_id, pricing, terms }));
            placed.extend(place(plugin_id, patch));
        }
        rows::write(tables, PLUGINS, include_str!("describe_plugins.sql"), &described).await?;
        rows::write(tables, PLUGINS, include_str!("price_plugins.sql"), &priced).await?;
        rows::write(tables, PLUGINS, include_str!("place_plugins.sql"), &placed).await
    }

    /// The row of a plugin that was created among these changes; its versions are among them too.
    fn new_plugin<'a>(&'a self, plugin_id: Uuid, patch: &'a PluginPatch) -> Option<NewPlugin<'a>> {
        let (row, (details, described)) = (patch.created.as_ref()?, patch.details.as_ref()?);
        let (pricing, terms) = patch.price.as_ref()?;
        Some(NewPlugin {
            described: Described::of(plugin_id, details, *described),
            vendor_id: patch.vendor?,
            name: &row.name,
            name_key: name_key(&row.name),
            pricing,
            terms,
            published: patch.published,
            suspended: patch.suspended.as_ref().and_then(Option::as_deref),
            deprecated: patch.deprecated.as_deref(),
            latest_version: self.latest_version(plugin_id, patch.rolled_back.as_ref()),
            rolled_back_to: patch.rolled_back.as_ref().map(|(version, _)| version.to_string()),
            rolled_back_at: patch.rolled_back.as_ref().map(|(_, at)| *at),
            created_at: row.at,
            updated_at: patch.updated_at?,
            position: row.position,
        })
    }

    /// What `latest_versions.sql` finds, of a plugin that is new.
    fn latest_version(&self, plugin_id: Uuid, rolled_back: Option<&(Version, u64)>) -> Option<&str> {
        let target = rolled_back.map(|(version, at)| ((version.pre.is_empty(), sort_key(version)), *at));
        let is_rolled_back = |patch: &VersionPatch, row: &VersionRow| {
            target.as_ref().is_some_and(|((release, key), at)| {
                patch.approved < Some(*at) && (!row.prerelease, &row.sort_key) > (*release, key)
            })
        };
        let of_plugin = self.versions.range((plugin_id, String::new())..).take_while(|((id, _), _)| *id == plugin_id);
        let approved = of_plugin.filter(|(_, patch)| patch.status == Some(status::APPROVED));
        let submitted = approved.filter_map(|((_, version), patch)| {
            patch.submitted.as_ref().filter(|row| !is_rolled_back(patch, row)).map(|row| (row, version))
        });
        let latest = submitted.max_by_key(|(row, _)| (!row.prerelease, &row.sort_key));
        latest.map(|(_, version)| version.as_str())
    }

    async fn flush_versions(&self, tables: &mut Tables<'_>) -> Result<(), sqlx::Error> {
        let new = each(self.versions.iter().filter_map(|((plugin_id, version), patch)| {
            let row = patch.submitted.as_ref()?;
            Some(NewVersion {
                plugin_id: *plugin_id,
                version,
                sort_key: &row.sort_key,
                prerelease: row.prerelease,
                digest: &row.digest,
                size: row.size,
                status: patch.status.unwrap_or(status::SUBMITTED),
                confidence: patch.confidence,
                signed: row.signed,
                submitted_at: row.at,
                approved_at: patch.approved,
            })
        }));
        rows::insert(tables, include_str!("new_versions.sql"), new).await?;
        let moved = self.versions.iter().filter(|(_, patch)| patch.submitted.is_none());
        let moved = moved.map(|((plugin_id, version), patch)| MovedVersion {
            plugin_id: *plugin_id,
            version,
            status: patch.status,
            progress: patch.progress,
            confidence: patch.confidence,
            approved_at: patch.approved,
        });
        let moved: Vec<_> = moved.collect();
        rows::write(tables, VERSIONS, include_str!("move_versions.sql"), &moved).await?;
        let rolled_back = self.plugins.iter().filter(|(_, patch)| patch.rolled_back.is_some()).map(|(id, _)| *id);
        let touched: BTreeSet<_> = self.versions.keys().map(|(id, _)| *id).chain(rolled_back).collect();
        let touched: Vec<_> = touched.into_iter().filter(|plugin_id| !self.is_new(*plugin_id)).collect();
        if !touched.is_empty() {
            tables.key(VERSIONS).await?;
            tables.key(PLUGINS).await?;
            tables
                .run(include_str!("latest_versions.sql"), |values| {
                    values.bind(&touched);
                })
                .await?;
        }
        Ok(())
    }

    pub(super) fn is_new(&self, plugin_id: Uuid) -> bool {
        self.plugins.get(&plugin_id).is_some_and(|patch| patch.created.is_some())
    }
}

fn place(plugin_id: Uuid, patch: &PluginPatch) -> Option<Placed<'_>> {
    Some(Placed {
        plugin_id,
        vendor_id: patch.vendor,
        published: patch.published,
        suspension_changed: patch.suspended.is_some(),
        suspended: patch.suspended.as_ref().and_then(Option::as_deref),
        deprecated: patch.deprecated.as_deref(),
        rolled_back_to: patch.rolled_back.as_ref().map(|(version, _)| version.to_string()),
        rolled_back_at: patch.rolled_back.as_ref().map(|(_, at)| *at),
        updated_at: patch.updated_at?,
    })
}

/// What names are found by. Events hold checked names; one that is not is only found by its own spelling.
fn name_key(name: &str) -> String {
    PluginName::parse(name).map_or_else(|_| name.to_lowercase(), |name| name.key())
}
