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
    /// By country and currency, those with most orders first, at most 1,000.
    pub countries: Vec<CountryFigures>,
    /// What became of the orders that were placed in the span.
    pub conversion: Conversion,
    /// Subscriptions.
    pub subscriptions: Subscriptions,
}

/// Figures of a span. Amounts are minor units of `currency`.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Times a page was looked at (`GET /plugins/{plugin}`).
    pub page_views: i64,
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

/// What was paid from one country in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CountryFigures {
    /// ISO 3166-1 alpha-2; null where no gateway said it.
    pub country: Option<String>,
    /// ISO 4217 code.
    pub currency: String,
    /// Orders that were paid.
    pub orders: i64,
    /// What buyers paid, minor units, before refunds: those do not say from where.
    pub gross_revenue: i64,
}

/// From the page to the installation and the purchase, of a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversion {
    /// Times a page was looked at.
    pub page_views: i64,
    /// Times a plugin was installed.
    pub installs: i64,
    /// Orders that were placed.
    pub placed_orders: i64,
    /// Those of them that were paid, whenever.
    pub paid_orders: i64,
    /// Users who placed them.
    pub users_placed: i64,
    /// Those of them who paid one of them.
    pub users_paid: i64,
}

/// Subscriptions of a span and of its steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Subscriptions {
    /// Of the whole span.
    pub totals: SubscriptionFigures,
    /// Step by step, in order; steps in which nothing happened are left out.
    pub series: Vec<SubscriptionPoint>,
}

/// Subscriptions of a span, over all plugins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionFigures {
    /// How many run at its end; trials and those that are past due are among them.
    pub active: i64,
    /// How many began in it.
    pub started: i64,
    /// How many ended in it.
    pub lapsed: i64,
    /// Those that ended, of those that ran when it began; null where none ran.
    pub churn: Option<f64>,
    /// What those that are paid bring in a month at its end, by ISO 4217 code, minor units: a twelfth where an interval is a year.
    pub mrr: BTreeMap<String, i64>,
}

/// Subscriptions of one step.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SubscriptionPoint {
    /// Its first day.
    pub date: NaiveDate,
    /// What happened in it.
    #[serde(flatten)]
    pub figures: SubscriptionFigures,
}

impl From<rows::CountryFigures> for CountryFigures {
    fn from(row: rows::CountryFigures) -> Self {
        let rows::CountryFigures { country, currency, orders, gross_revenue } = row;
        Self { country, currency, orders, gross_revenue }
    }
}

impl From<rows::Conversion> for Conversion {
    fn from(row: rows::Conversion) -> Self {
        let rows::Conversion { page_views, installs, placed_orders, paid_orders, users_placed, users_paid } = row;
        Self { page_views, installs, placed_orders, paid_orders, users_placed, users_paid }
    }
}

impl From<rows::SubscriptionFigures> for SubscriptionFigures {
    fn from(row: rows::SubscriptionFigures) -> Self {
        let rows::SubscriptionFigures { active, started, lapsed, churn, mrr } = row;
        Self { active, started, lapsed, churn, mrr }
    }
}

impl From<rows::Subscriptions> for Subscriptions {
    fn from(found: rows::Subscriptions) -> Self {
        let point = |row: rows::SubscriptionPoint| SubscriptionPoint { date: row.date, figures: row.figures.into() };
        Self { totals: found.totals.into(), series: found.series.into_iter().map(point).collect() }
    }
}

impl From<rows::Figures> for Figures {
    fn from(row: rows::Figures) -> Self {
        Self {
            page_views: row.page_views,
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
            countries: found.countries.into_iter().map(Into::into).collect(),
            conversion: found.conversion.into(),
            subscriptions: found.subscriptions.into(),
        }
    }
}
