//! How changes of the catalogue are written.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use souk_domain::listing::{Details, Media, Pricing, Terms};
use souk_domain::name::PluginName;
use souk_projector::{Changes, Envelope};
use sqlx::PgConnection;
use uuid::Uuid;

use super::fold::{CatalogueChanges, PluginPatch, head_words};
use crate::{rows, text};

#[async_trait]
impl Changes for CatalogueChanges {
    fn fold(&mut self, event: &Envelope) {
        self.add(event);
    }

    async fn flush(self: Box<Self>, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.flush_vendors(connection).await?;
        self.flush_plugins(connection).await?;
        self.flush_versions(connection).await?;
        self.flush_ranks(connection).await?;
        self.flush_words(connection).await
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
}

#[derive(Serialize)]
struct OldVendor {
    vendor_id: Uuid,
    verified: bool,
    suspended: bool,
}

#[derive(Serialize)]
struct NewPlugin<'a> {
    plugin_id: Uuid,
    vendor_id: Uuid,
    name: &'a str,
    name_key: String,
    name_words: String,
    created_at: DateTime<Utc>,
    position: u64,
}

/// What a plugin says of itself, with the words to find it by.
#[derive(Serialize)]
struct Described<'a> {
    plugin_id: Uuid,
    display_name: &'a str,
    summary: &'a str,
    description: &'a str,
    tags: &'a [String],
    tag_keys: Vec<String>,
    media: &'a [Media],
    complexity: Option<String>,
    setup_minutes: Option<u32>,
    requirements: &'a [String],
    kind: String,
    category: &'a str,
    license: &'a str,
    head_words: String,
    summary_words: String,
    description_words: String,
}

impl<'a> Described<'a> {
    fn of(plugin_id: Uuid, details: &'a Details) -> Self {
        let mut tag_keys: Vec<String> = details.tags.iter().map(|tag| tag.to_lowercase()).collect();
        tag_keys.sort();
        tag_keys.dedup();
        Self {
            plugin_id,
            display_name: &details.display_name,
            summary: &details.summary,
            description: &details.description,
            tags: &details.tags,
            tag_keys,
            media: &details.media,
            complexity: details.complexity.as_ref().map(rows::word),
            setup_minutes: details.setup_minutes,
            requirements: &details.requirements,
            kind: rows::word(&details.kind),
            category: &details.category,
            license: &details.license,
            head_words: head_words(details).join(" "),
            summary_words: text::plain(&details.summary),
            description_words: text::plain(&details.description),
        }
    }
}

#[derive(Serialize)]
struct Priced<'a> {
    plugin_id: Uuid,
    pricing: &'a Pricing,
    terms: &'a Terms,
    pricing_model: &'static str,
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
                }),
                None if verified || suspended => old.push(OldVendor { vendor_id, verified, suspended }),
                None => {}
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
                    name_words: text::name_words(&row.name).join(" "),
                    created_at: row.at,
                    position: row.position,
                });
            }
            described.extend(patch.details.as_ref().map(|details| Described::of(plugin_id, details)));
            priced.extend(patch.price.as_ref().map(|(pricing, terms)| Priced {
                plugin_id,
                pricing,
                terms,
                pricing_model: match pricing {
                    Pricing::Free => "free",
                    Pricing::OneTime { .. } => "one_time",
                    Pricing::Subscription { .. } => "subscription",
                },
            }));
            placed.extend(place(plugin_id, patch));
        }
        rows::write(connection, include_str!("new_plugins.sql"), &new).await?;
        rows::write(connection, include_str!("new_ranks.sql"), &new).await?;
        rows::write(connection, include_str!("new_documents.sql"), &new).await?;
        rows::write(connection, include_str!("describe_plugins.sql"), &described).await?;
        rows::write(connection, include_str!("describe_ranks.sql"), &described).await?;
        rows::write(connection, include_str!("describe_documents.sql"), &described).await?;
        rows::write(connection, include_str!("price_plugins.sql"), &priced).await?;
        rows::write(connection, include_str!("price_ranks.sql"), &priced).await?;
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

    /// Counters, and whether a plugin is listed: the one thing that depends on rows written before.
    async fn flush_ranks(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let mut plugins: Vec<Uuid> = Vec::new();
        let mut confidences: Vec<Option<i16>> = Vec::new();
        let mut counters: [Vec<i64>; 5] = Default::default();
        for (plugin, patch) in &self.plugins {
            plugins.push(*plugin);
            confidences.push(patch.confidence.map(i16::from));
            let differences =
                [patch.review_points, patch.installs, patch.active_installs, patch.rating_sum, patch.rating_count];
            for (column, difference) in counters.iter_mut().zip(differences) {
                column.push(difference);
            }
        }
        if plugins.is_empty() {
            return Ok(());
        }
        let [review_points, installs, active, rating_sum, rating_count] = counters;
        sqlx::query(include_str!("count_ranks.sql"))
            .bind(plugins)
            .bind(confidences)
            .bind(review_points)
            .bind(installs)
            .bind(active)
            .bind(rating_sum)
            .bind(rating_count)
            .execute(connection)
            .await?;
        Ok(())
    }

    async fn flush_words(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.words.is_empty() {
            return Ok(());
        }
        let (words, uses): (Vec<&str>, Vec<i64>) = self.words.iter().map(|(word, uses)| (word.as_str(), *uses)).unzip();
        sqlx::query(include_str!("count_words.sql")).bind(words).bind(uses).execute(connection).await?;
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
