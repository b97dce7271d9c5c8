//! How counters of plugins are written.

use serde::Serialize;
use souk_projector::Tables;
use uuid::Uuid;

use super::fold::{CatalogueChanges, RankPatch};
use crate::{
    copy::{Fields, Row},
    outcomes::Outcomes,
    rows::{self, each},
};

/// The counters of a plugin that is new.
#[derive(Serialize)]
struct NewRank {
    plugin_id: Uuid,
    #[serde(flatten)]
    patch: RankPatch,
}

impl Row for NewRank {
    const TARGET: (&'static str, &'static str) = (
        "catalogue_rank",
        "plugin_id, installs, active_installs, downloads, rating_sum, rating_count, confidence, review_points, \
         succeeded, failed, cross_check_points, changed",
    );

    fn put(&self, fields: &mut Fields<'_>) {
        let patch = &self.patch;
        fields.uuid(self.plugin_id).big(patch.installs).big(patch.active_installs).big(patch.downloads);
        fields.big(patch.rating_sum).big(patch.rating_count).maybe_small(patch.confidence.map(i16::from));
        fields.big(patch.review_points).big(patch.outcomes.succeeded).big(patch.outcomes.failed);
        fields.big(patch.cross_check_points).big(rows::big(patch.changed));
    }
}

impl CatalogueChanges {
    /// Counters of plugins that are new.
    pub(super) async fn new_ranks(&self, tables: &mut Tables<'_>) -> Result<(), sqlx::Error> {
        let new = self.plugins.iter().filter(|(_, patch)| patch.is_whole());
        let ranks = new.map(|(plugin_id, _)| NewRank {
            plugin_id: *plugin_id,
            patch: self.ranks.get(plugin_id).copied().unwrap_or_default(),
        });
        rows::insert(tables, include_str!("new_ranks.sql"), each(ranks)).await
    }

    /// Counters of plugins that exist, and how far the page of each has changed.
    pub(super) async fn count_ranks(&self, tables: &mut Tables<'_>) -> Result<(), sqlx::Error> {
        let mut plugins: Vec<Uuid> = Vec::new();
        let mut confidences: Vec<Option<i16>> = Vec::new();
        let mut counters: [Vec<i64>; 10] = Default::default();
        for (plugin, patch) in self.ranks.iter().filter(|(plugin, _)| !self.is_new(**plugin)) {
            plugins.push(*plugin);
            confidences.push(patch.confidence.map(i16::from));
            let (installs, active, changed) = (patch.installs, patch.active_installs, rows::big(patch.changed));
            let Outcomes { succeeded, failed } = patch.outcomes;
            let (sum, count) = (patch.rating_sum, patch.rating_count);
            let row = [
                patch.review_points,
                installs,
                active,
                patch.downloads,
                sum,
                count,
                changed,
                succeeded,
                failed,
                patch.cross_check_points,
            ];
            for (column, figure) in counters.iter_mut().zip(row) {
                column.push(figure);
            }
        }
        if plugins.is_empty() {
            return Ok(());
        }
        tables.key(NewRank::TARGET.0).await?;
        let [
            review_points,
            installs,
            active,
            downloads,
            rating_sum,
            rating_count,
            changed,
            succeeded,
            failed,
            cross_checks,
        ] = counters;
        tables
            .run(include_str!("count_ranks.sql"), |values| {
                values
                    .bind(plugins)
                    .bind(confidences)
                    .bind(review_points)
                    .bind(installs)
                    .bind(active)
                    .bind(downloads)
                    .bind(rating_sum)
                    .bind(rating_count)
                    .bind(changed)
                    .bind(succeeded)
                    .bind(failed)
                    .bind(cross_checks);
            })
            .await?;
        Ok(())
    }
}
