//! What a vendor reads of its sales.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;
use souk_projections::vendor_analytics as rows;
use utoipa::ToSchema;
use uuid::Uuid;

/// The figures of a vendor.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Analytics {
    /// Of the whole span.
    pub totals: Figures,
    /// Money of the whole span, by ISO 4217 code.
    pub by_currency: BTreeMap<String, Amounts>,
    /// Step by step, in order; steps in which nothing happened are left out.
    pub series: Vec<SeriesPoint>,
    /// By plugin, the best selling first, at most 1,000.
    pub plugins: Vec<PluginFigures>,
}

/// Figures of a span. Amounts are minor units of `currency`.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Times a plugin was installed.
    pub installs: i64,
    /// Times it was taken off.
    pub uninstalls: i64,
    /// Installations at the end of the span.
    pub active_installs: i64,
    /// Downloads.
    pub downloads: i64,
    /// Orders that were paid.
    pub orders: i64,
    /// Reviews written, less those taken back or hidden.
    pub reviews: i64,
    /// Mean of the stars of all shown reviews at the end of the span; null without reviews.
    pub average_rating: Option<f64>,
    /// What buyers paid.
    pub gross_revenue: i64,
    /// What was given back.
    pub refunds: i64,
    /// What Souk kept.
    pub commission: i64,
    /// Gross revenue less refunds and commission.
    pub net_revenue: i64,
    /// ISO 4217 code.
    pub currency: String,
}

/// Amounts in one currency, minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Amounts {
    /// Orders that were paid.
    pub orders: i64,
    /// What buyers paid.
    pub gross_revenue: i64,
    /// What was given back.
    pub refunds: i64,
    /// What Souk kept.
    pub commission: i64,
    /// Gross revenue less refunds and commission.
    pub net_revenue: i64,
}

/// The figures of one step.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SeriesPoint {
    /// Its first day.
    pub date: NaiveDate,
    /// What happened in it.
    #[serde(flatten)]
    pub figures: Figures,
}

/// The figures of one plugin.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginFigures {
    /// Which.
    pub plugin_id: Uuid,
    /// Its unique name.
    pub name: String,
    /// Name to show.
    pub display_name: String,
    /// What happened to it.
    #[serde(flatten)]
    pub figures: Figures,
}

impl From<rows::Figures> for Figures {
    fn from(row: rows::Figures) -> Self {
        Self {
            installs: row.installs,
            uninstalls: row.uninstalls,
            active_installs: row.active_installs,
            downloads: row.downloads,
            orders: row.orders,
            reviews: row.reviews,
            average_rating: row.average_rating,
            gross_revenue: row.gross_revenue,
            refunds: row.refunds,
            commission: row.commission,
            net_revenue: row.net_revenue,
            currency: row.currency,
        }
    }
}

impl From<rows::Analytics> for Analytics {
    fn from(found: rows::Analytics) -> Self {
        let amounts = |row: rows::Amounts| Amounts {
            orders: row.orders,
            gross_revenue: row.gross_revenue,
            refunds: row.refunds,
            commission: row.commission,
            net_revenue: row.net_revenue,
        };
        let point = |row: rows::SeriesPoint| SeriesPoint { date: row.date, figures: row.figures.into() };
        let plugin = |row: rows::PluginFigures| PluginFigures {
            plugin_id: row.plugin_id,
            name: row.name,
            display_name: row.display_name,
            figures: row.figures.into(),
        };
        Self {
            totals: found.totals.into(),
            by_currency: found.by_currency.into_iter().map(|(code, row)| (code, amounts(row))).collect(),
            series: found.series.into_iter().map(point).collect(),
            plugins: found.plugins.into_iter().map(plugin).collect(),
        }
    }
}
