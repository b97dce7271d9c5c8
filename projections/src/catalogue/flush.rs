//! How changes of the catalogue are written.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use souk_domain::listing::{Details, Media, Pricing, Terms};
use souk_domain::name::PluginName;
use souk_projector::{Changes, Envelope};
use sqlx::PgConnection;
use uuid::Uuid;

use super::fold::{CatalogueChanges, PluginPatch};
use crate::rows;

#[async_trait]
impl Changes for CatalogueChanges {
    fn fold(&mut self, event: &Envelope) {
        self.add(event);
    }

    async fn flush(self: Box<Self>, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.flush_vendors(connection).await?;
        self.flush_plugins(connection).await?;
        self.flush_versions(connection).await?;
        self.flush_ranks(connection).await
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

#[derive(Serialize)]
struct NewPlugin<'a> {
    plugin_id: Uuid,
    vendor_id: Uuid,
    name: &'a str,
    name_key: String,
    created_at: DateTime<Utc>,
    position: u64,
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
    updated_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct NewVersion<'a> {
    plugin_id: Uuid,
    version: &'a str,
    sort_key: String,
    prerelease: bool,
    digest: &'a str,
    size: u64,
    submitted_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct MovedVersion<'a> {
    plugin_id: Uuid,
    version: &'a str,
    status: Option<i16>,
    progress: Option<i16>,
    confidence: Option<u8>,
}

impl CatalogueChanges {
    async fn flush_vendors(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
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
        rows::write(connection, include_str!("new_vendors.sql"), &new).await?;
        rows::write(connection, include_str!("old_vendors.sql"), &old).await
    }

    async fn flush_plugins(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let (mut new, mut described, mut priced, mut placed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (plugin_id, patch) in &self.plugins {
            let plugin_id = *plugin_id;
            if let (Some(row), Some(vendor_id)) = (&patch.created, patch.vendor) {
                new.push(NewPlugin {
                    plugin_id,
                    vendor_id,
                    name: &row.name,
                    name_key: name_key(&row.name),
                    created_at: row.at,
                    position: row.position,
                });
            }
            described.extend(patch.details.as_ref().map(|(details, at)| Described::of(plugin_id, details, *at)));
            priced.extend(patch.price.as_ref().map(|(pricing, terms)| Priced { plugin_id, pricing, terms }));
            placed.extend(place(plugin_id, patch));
        }
        rows::write(connection, include_str!("new_plugins.sql"), &new).await?;
        rows::write(connection, include_str!("new_ranks.sql"), &new).await?;
        rows::write(connection, include_str!("describe_plugins.sql"), &described).await?;
        rows::write(connection, include_str!("price_plugins.sql"), &priced).await?;
        rows::write(connection, include_str!("place_plugins.sql"), &placed).await
    }

    async fn flush_versions(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let (mut new, mut moved, mut touched) = (Vec::new(), Vec::new(), Vec::new());
        for ((plugin_id, version), patch) in &self.versions {
            let plugin_id = *plugin_id;
            touched.push(plugin_id);
            new.extend(patch.submitted.as_ref().map(|row| NewVersion {
                plugin_id,
                version,
                sort_key: hex::encode(&row.sort_key),
                prerelease: row.prerelease,
                digest: &row.digest,
                size: row.size,
                submitted_at: row.at,
            }));
            let (status, progress, confidence) = (patch.status, patch.progress, patch.confidence);
            moved.push(MovedVersion { plugin_id, version, status, progress, confidence });
        }
        if touched.is_empty() {
            return Ok(());
        }
        touched.dedup();
        rows::write(connection, include_str!("new_versions.sql"), &new).await?;
        rows::write(connection, include_str!("move_versions.sql"), &moved).await?;
        sqlx::query(include_str!("latest_versions.sql")).bind(&touched).execute(connection).await?;
        Ok(())
    }

    /// Counters, and how far each plugin's page has changed.
    async fn flush_ranks(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let mut plugins: Vec<Uuid> = Vec::new();
        let mut confidences: Vec<Option<i16>> = Vec::new();
        let mut counters: [Vec<i64>; 6] = Default::default();
        for (plugin, patch) in &self.plugins {
            plugins.push(*plugin);
            confidences.push(patch.confidence.map(i16::from));
            let (installs, active, changed) = (patch.installs, patch.active_installs, rows::big(patch.changed));
            let row = [patch.review_points, installs, active, patch.rating_sum, patch.rating_count, changed];
            for (column, figure) in counters.iter_mut().zip(row) {
                column.push(figure);
            }
        }
        if plugins.is_empty() {
            return Ok(());
        }
        let [review_points, installs, active, rating_sum, rating_count, changed] = counters;
        sqlx::query(include_str!("count_ranks.sql"))
            .bind(plugins)
            .bind(confidences)
            .bind(review_points)
            .bind(installs)
            .bind(active)
            .bind(rating_sum)
            .bind(rating_count)
            .bind(changed)
            .execute(connection)
            .await?;
        Ok(())
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
        updated_at: patch.updated_at?,
    })
}

/// What names are found by. Events hold checked names; one that is not is only found by its own spelling.
fn name_key(name: &str) -> String {
    PluginName::parse(name).map_or_else(|_| name.to_lowercase(), |name| name.key())
}
