//! What a vendor reads of its sales.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;
use souk_projector::ReadGuard;
use sqlx::FromRow;
use uuid::Uuid;

use super::buyers::{self, Conversion, CountryFigures, Subscriptions};
use crate::QueryError;

/// How wide the steps of a series are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Granularity {
    /// UTC days.
    #[default]
    Day,
    /// Weeks, from Monday on.
    Week,
    /// Calendar months.
    Month,
}

impl Granularity {
    pub(super) const fn field(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// Which figures are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnalyticsParams {
    /// The first UTC day; from the beginning when absent.
    pub from: Option<NaiveDate>,
    /// The last UTC day, included; until today when absent.
    pub to: Option<NaiveDate>,
    /// How wide the steps of the series are.
    pub granularity: Granularity,
    /// ISO 4217 code of the amounts in totals, series and plugins; when absent, the currency with most orders, else `USD`.
    pub currency: Option<String>,
}

/// The figures of a vendor.
#[derive(Clone, Debug, PartialEq, Serialize)]
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

/// Figures of a span.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Times a page was looked at.
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
    /// Mean of the stars of all live reviews at the end of the span, two decimals; none without reviews.
    pub average_rating: Option<f64>,
    /// What buyers paid, minor units.
    pub gross_revenue: i64,
    /// What was given back, minor units.
    pub refunds: i64,
    /// What Souk kept, minor units.
    pub commission: i64,
    /// Gross revenue less refunds and commission, minor units.
    pub net_revenue: i64,
    /// The currency of the amounts.
    pub currency: String,
}

/// Amounts in one currency, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SeriesPoint {
    /// Its first day.
    pub date: NaiveDate,
    /// What happened in it.
    #[serde(flatten)]
    pub figures: Figures,
}

/// The figures of one plugin.
#[derive(Clone, Debug, PartialEq, Serialize)]
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

#[derive(FromRow)]
struct Activity {
    step: NaiveDate,
    plugin_id: Uuid,
    inside: bool,
    installs: i64,
    uninstalls: i64,
    active: i64,
    views: i64,
    downloads: i64,
    reviews: i64,
    rating_sum: i64,
}

#[derive(FromRow)]
struct Money {
    step: NaiveDate,
    plugin_id: Uuid,
    currency: String,
    orders: i64,
    gross: i64,
    refunds: i64,
    commission: i64,
}

#[derive(FromRow)]
struct Named {
    plugin_id: Uuid,
    name: String,
    display_name: String,
}

/// As many plugins as an answer lists.
const PLUGINS: usize = 1_000;

/// The figures of `vendor`.
///
/// # Errors
/// See [`QueryError`].
pub async fn analytics(guard: &ReadGuard, vendor: Uuid, params: &AnalyticsParams) -> Result<Analytics, QueryError> {
    let step = params.granularity.field();
    let activity: Vec<Activity> = sqlx::query_as(include_str!("activity.sql"))
        .bind(vendor)
        .bind(params.from)
        .bind(params.to)
        .bind(step)
        .fetch_all(guard.pool())
        .await?;
    let money: Vec<Money> = sqlx::query_as(include_str!("money.sql"))
        .bind(vendor)
        .bind(params.from)
        .bind(params.to)
        .bind(step)
        .fetch_all(guard.pool())
        .await?;
    let plugins: Vec<Uuid> =
        activity.iter().map(|row| row.plugin_id).chain(money.iter().map(|row| row.plugin_id)).collect();
    let names: Vec<Named> =
        sqlx::query_as("SELECT plugin_id, name, display_name FROM vendor_analytics_plugin WHERE plugin_id = ANY($1)")
            .bind(&plugins)
            .fetch_all(guard.pool())
            .await?;
    let mut found = summarize(params, &activity, &money, names);
    found.countries = buyers::countries(guard, vendor, params).await?;
    found.conversion = buyers::conversion(guard, vendor, params, &found.totals).await?;
    found.subscriptions = buyers::subscriptions(guard, vendor, params).await?;
    Ok(found)
}

/// Figures being added up; the rating needs its sum over all time.
#[derive(Default)]
struct Sum {
    figures: Figures,
    live_reviews: i64,
    live_stars: i64,
}

impl Sum {
    fn add_activity(&mut self, row: &Activity) {
        self.figures.active_installs += row.active;
        self.live_reviews += row.reviews;
        self.live_stars += row.rating_sum;
        if row.inside {
            self.figures.page_views += row.views;
            self.figures.installs += row.installs;
            self.figures.uninstalls += row.uninstalls;
            self.figures.downloads += row.downloads;
            self.figures.reviews += row.reviews;
        }
    }

    fn add_money(&mut self, row: &Money) {
        self.figures.orders += row.orders;
        self.figures.gross_revenue += row.gross;
        self.figures.refunds += row.refunds;
        self.figures.commission += row.commission;
    }

    fn finish(mut self, currency: &str) -> Figures {
        let Figures { gross_revenue, refunds, commission, .. } = self.figures;
        self.figures.net_revenue = gross_revenue - refunds - commission;
        self.figures.average_rating = mean(self.live_stars, self.live_reviews);
        currency.clone_into(&mut self.figures.currency);
        self.figures
    }
}

#[expect(clippy::cast_precision_loss, reason = "stars are far fewer than 2^52")]
fn mean(stars: i64, reviews: i64) -> Option<f64> {
    (reviews > 0).then(|| (stars as f64 / reviews as f64 * 100.0).round() / 100.0)
}

fn summarize(params: &AnalyticsParams, activity: &[Activity], money: &[Money], names: Vec<Named>) -> Analytics {
    let mut by_currency: BTreeMap<String, Amounts> = BTreeMap::new();
    for row in money {
        let amounts = by_currency.entry(row.currency.clone()).or_default();
        amounts.orders += row.orders;
        amounts.gross_revenue += row.gross;
        amounts.refunds += row.refunds;
        amounts.commission += row.commission;
        amounts.net_revenue += row.gross - row.refunds - row.commission;
    }
    let most_used = by_currency.iter().max_by_key(|(code, amounts)| (amounts.orders, std::cmp::Reverse(*code)));
    let currency = params.currency.clone().or_else(|| most_used.map(|(code, _)| code.clone()));
    let currency = currency.unwrap_or_else(|| "USD".to_owned());

    let mut totals = Sum::default();
    let mut steps: BTreeMap<NaiveDate, Sum> = BTreeMap::new();
    let mut plugins: BTreeMap<Uuid, Sum> = BTreeMap::new();
    for row in activity {
        totals.add_activity(row);
        plugins.entry(row.plugin_id).or_default().add_activity(row);
        steps.entry(row.step).or_default().add_activity(row);
    }
    for row in money.iter().filter(|row| row.currency == currency) {
        totals.add_money(row);
        plugins.entry(row.plugin_id).or_default().add_money(row);
        steps.entry(row.step).or_default().add_money(row);
    }
    Analytics {
        totals: totals.finish(&currency),
        by_currency,
        series: series(params, steps, activity, &currency),
        plugins: by_plugin(plugins, names, &currency),
        countries: Vec::new(),
        conversion: Conversion::default(),
        subscriptions: Subscriptions::default(),
    }
}

/// The steps inside the span; what holds at the end of a step is carried on from the steps before.
fn series(
    params: &AnalyticsParams,
    steps: BTreeMap<NaiveDate, Sum>,
    activity: &[Activity],
    currency: &str,
) -> Vec<SeriesPoint> {
    let shown: std::collections::BTreeSet<NaiveDate> =
        activity.iter().filter(|row| row.inside).map(|row| row.step).collect();
    let (mut active, mut reviews, mut stars) = (0, 0, 0);
    let mut points = Vec::new();
    for (date, mut sum) in steps {
        active += sum.figures.active_installs;
        reviews += sum.live_reviews;
        stars += sum.live_stars;
        let happened =
            shown.contains(&date) || sum.figures.orders + sum.figures.gross_revenue + sum.figures.refunds != 0;
        if !happened && params.from.is_some_and(|from| date < from) {
            continue;
        }
        (sum.figures.active_installs, sum.live_reviews, sum.live_stars) = (active, reviews, stars);
        points.push(SeriesPoint { date, figures: sum.finish(currency) });
    }
    points
}

fn by_plugin(sums: BTreeMap<Uuid, Sum>, names: Vec<Named>, currency: &str) -> Vec<PluginFigures> {
    let mut names: BTreeMap<Uuid, Named> = names.into_iter().map(|named| (named.plugin_id, named)).collect();
    let mut plugins: Vec<PluginFigures> = sums
        .into_iter()
        .map(|(plugin_id, sum)| {
            let (name, display_name) = names.remove(&plugin_id).map(|n| (n.name, n.display_name)).unwrap_or_default();
            PluginFigures { plugin_id, name, display_name, figures: sum.finish(currency) }
        })
        .collect();
    plugins.sort_by_key(|plugin| {
        let figures = &plugin.figures;
        (std::cmp::Reverse((figures.gross_revenue, figures.installs)), plugin.plugin_id)
    });
    plugins.truncate(PLUGINS);
    plugins
}
