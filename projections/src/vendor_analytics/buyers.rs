//! What a vendor reads of who buys, from where, and for how long.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;
use souk_projector::ReadGuard;
use sqlx::FromRow;
use uuid::Uuid;

use super::query::{AnalyticsParams, Figures};
use crate::QueryError;

/// What was paid from one country in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub struct CountryFigures {
    /// ISO 3166-1 alpha-2; none where no gateway said it.
    pub country: Option<String>,
    /// ISO 4217 code.
    pub currency: String,
    /// Orders that were paid.
    pub orders: i64,
    /// What buyers paid, minor units, before refunds: those do not say from where.
    pub gross_revenue: i64,
}

/// From the page to the installation and the purchase, of a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Conversion {
    /// Times a page was looked at.
    #[sqlx(skip)]
    pub page_views: i64,
    /// Times a plugin was installed.
    #[sqlx(skip)]
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

/// Subscriptions of a span, over all plugins.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionFigures {
    /// How many run at its end; trials and those that are past due are among them.
    pub active: i64,
    /// How many began in it.
    pub started: i64,
    /// How many ended in it.
    pub lapsed: i64,
    /// Those that ended, of those that ran when it began, four decimals; none where none ran.
    pub churn: Option<f64>,
    /// What those that are paid bring in a month at its end, by ISO 4217 code, minor units: a twelfth where an interval is a year.
    pub mrr: BTreeMap<String, i64>,
}

/// Subscriptions of one step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SubscriptionPoint {
    /// Its first day.
    pub date: NaiveDate,
    /// What happened in it.
    #[serde(flatten)]
    pub figures: SubscriptionFigures,
}

/// Subscriptions of a span and of its steps; steps in which nothing happened are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Subscriptions {
    /// Of the whole span.
    pub totals: SubscriptionFigures,
    /// Step by step, in order.
    pub series: Vec<SubscriptionPoint>,
}

#[derive(FromRow)]
pub(super) struct Change {
    step: NaiveDate,
    inside: bool,
    currency: String,
    started: i64,
    lapsed: i64,
    monthly: i64,
    yearly: i64,
}

pub(super) async fn countries(
    guard: &ReadGuard,
    vendor: Uuid,
    params: &AnalyticsParams,
) -> Result<Vec<CountryFigures>, QueryError> {
    let rows = sqlx::query_as(include_str!("countries.sql")).bind(vendor).bind(params.from).bind(params.to);
    Ok(rows.fetch_all(guard.pool()).await?)
}

pub(super) async fn conversion(
    guard: &ReadGuard,
    vendor: Uuid,
    params: &AnalyticsParams,
    totals: &Figures,
) -> Result<Conversion, QueryError> {
    let row = sqlx::query_as(include_str!("conversion.sql")).bind(vendor).bind(params.from).bind(params.to);
    let orders: Conversion = row.fetch_one(guard.pool()).await?;
    Ok(Conversion { page_views: totals.page_views, installs: totals.installs, ..orders })
}

pub(super) async fn subscriptions(
    guard: &ReadGuard,
    vendor: Uuid,
    params: &AnalyticsParams,
) -> Result<Subscriptions, QueryError> {
    let changes: Vec<Change> = sqlx::query_as(include_str!("subscriptions.sql"))
        .bind(vendor)
        .bind(params.from)
        .bind(params.to)
        .bind(params.granularity.field())
        .fetch_all(guard.pool())
        .await?;
    Ok(add_up(&changes))
}

/// What holds so far.
#[derive(Default)]
struct Running {
    active: i64,
    /// By currency: minor units a month, and minor units a year.
    recurring: BTreeMap<String, (i64, i64)>,
}

impl Running {
    fn add(&mut self, change: &Change) {
        self.active += change.started - change.lapsed;
        let (monthly, yearly) = self.recurring.entry(change.currency.clone()).or_default();
        *monthly += change.monthly;
        *yearly += change.yearly;
    }

    fn figures(&self, (started, lapsed): (i64, i64), before: i64) -> SubscriptionFigures {
        let month = |(code, (monthly, yearly)): (&String, &(i64, i64))| {
            // Of the sum and not of each, so that twelfths do not add up to something else.
            let mrr = monthly + (yearly + 6).div_euclid(12);
            (mrr != 0).then(|| (code.clone(), mrr))
        };
        let mrr = self.recurring.iter().filter_map(month).collect();
        SubscriptionFigures { active: self.active, started, lapsed, churn: share(lapsed, before), mrr }
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are far fewer subscriptions than 2^52")]
fn share(part: i64, of: i64) -> Option<f64> {
    (of > 0).then(|| (part as f64 / of as f64 * 10_000.0).round() / 10_000.0)
}

fn add_up(changes: &[Change]) -> Subscriptions {
    let mut running = Running::default();
    let (mut started, mut lapsed, mut at_first) = (0, 0, None);
    let mut series: Vec<SubscriptionPoint> = Vec::new();
    for step in changes.chunk_by(|one, other| one.step == other.step) {
        // The part of the first step that lies before the span comes first, for it counts for what holds when the span begins.
        step.iter().filter(|change| !change.inside).for_each(|change| running.add(change));
        let inside: Vec<&Change> = step.iter().filter(|change| change.inside).collect();
        if inside.is_empty() {
            continue;
        }
        let before = running.active;
        at_first.get_or_insert(before);
        inside.iter().for_each(|change| running.add(change));
        let sums = inside.iter().fold((0, 0), |sums, change| (sums.0 + change.started, sums.1 + change.lapsed));
        (started, lapsed) = (started + sums.0, lapsed + sums.1);
        if let Some(first) = step.first() {
            series.push(SubscriptionPoint { date: first.step, figures: running.figures(sums, before) });
        }
    }
    let totals = running.figures((started, lapsed), at_first.unwrap_or(running.active));
    Subscriptions { totals, series }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(step: &str, inside: bool, (started, lapsed): (i64, i64), (monthly, yearly): (i64, i64)) -> Change {
        let currency = "USD".to_owned();
        Change { step: step.parse().unwrap(), inside, currency, started, lapsed, monthly, yearly }
    }

    #[test]
    fn what_holds_at_the_end_of_a_step_is_carried_on() {
        let found = add_up(&[
            change("2026-01-01", false, (4, 0), (2_000, 12_005)),
            change("2026-02-01", false, (1, 1), (0, 0)),
            change("2026-02-01", true, (0, 1), (-500, 0)),
            change("2026-04-01", true, (3, 0), (1_500, 0)),
        ]);
        let points: Vec<_> = found.series.iter().map(|point| (point.date.to_string(), &point.figures)).collect();
        let shown = |figures: &SubscriptionFigures| (figures.active, figures.started, figures.lapsed, figures.churn);
        assert_eq!(points.len(), 2);
        assert_eq!((points[0].0.as_str(), shown(points[0].1)), ("2026-02-01", (3, 0, 1, Some(0.25))));
        assert_eq!((points[1].0.as_str(), shown(points[1].1)), ("2026-04-01", (6, 3, 0, Some(0.0))));
        assert_eq!(shown(&found.totals), (6, 3, 1, Some(0.25)));
        assert_eq!(found.totals.mrr, BTreeMap::from([("USD".to_owned(), 3_000 + 1_000)]));
    }

    #[test]
    fn nobody_leaves_where_nobody_is() {
        let none = add_up(&[]);
        assert_eq!(none, Subscriptions::default());
        let first = add_up(&[change("2026-02-01", true, (1, 0), (900, 0))]);
        assert_eq!((first.totals.churn, first.totals.active), (None, 1));
    }
}
