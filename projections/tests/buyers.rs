//! Who buys, from where, and for how long, as vendors read it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use souk_domain::listing::{Interval, Kind, Pricing};
use souk_projections::vendor_analytics::{AnalyticsParams, Conversion, Granularity, analytics};
use support::{Market, details, vendor};

mod support;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn opened() -> Market {
    let market = Market::new().await;
    market.register_user(0, "Ada").await;
    market.register_vendor(0, 0).await;
    market.create(0, "tool", details("Tool", Kind::Skill, "tools", &["logs"], "Reads logs."), Pricing::Free).await;
    market
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_downloads_and_countries_are_counted() {
    let market = opened().await;
    // By number: every third order is paid from Germany, of the others nobody says from where.
    for (number, who, paid) in [(0, 1, true), (1, 1, true), (3, 2, true), (4, 2, false), (5, 3, false)] {
        market.place(number, 0, who, 4_900, "USD").await;
        if paid {
            market.pay(number, 0, 4_900, "USD").await;
        }
    }
    market.place(6, 0, 4, 500, "JPY").await;
    market.clock.advance(DAY);
    market.pay(6, 0, 500, "JPY").await;
    for (number, who) in [(0, 1), (1, 1), (2, 2)] {
        market.download(number, 0, who).await;
    }
    market.install(0, 1, "1.0.0", true).await;
    market.looks(0, 0, 40).await;
    market.looks(1, 0, 2).await;
    let (_reader, guard) = market.read().await;
    let all = analytics(&guard, vendor(0).uuid(), &AnalyticsParams::default()).await.unwrap();
    assert_eq!(all.totals.downloads, 3, "all count, also those of one user");
    let conversion =
        Conversion { page_views: 42, installs: 1, placed_orders: 6, paid_orders: 4, users_placed: 4, users_paid: 3 };
    assert_eq!(all.conversion, conversion);
    let countries: Vec<_> = all.countries.iter().map(|c| (c.country.as_deref(), c.currency.as_str())).collect();
    assert_eq!(countries, [(Some("DE"), "USD"), (Some("DE"), "JPY"), (None, "USD")]);
    let figures: Vec<_> = all.countries.iter().map(|c| (c.orders, c.gross_revenue)).collect();
    assert_eq!(figures, [(2, 9_800), (1, 500), (1, 4_900)]);

    // An order is of the day on which it was placed, a payment of that on which it was paid.
    let second = AnalyticsParams { from: Some("2026-05-05".parse().unwrap()), ..AnalyticsParams::default() };
    let later = analytics(&guard, vendor(0).uuid(), &second).await.unwrap();
    let later_conversion = Conversion { page_views: 42, installs: 1, ..Conversion::default() };
    assert_eq!((later.conversion, later.totals.downloads), (later_conversion, 3));
    assert_eq!(later.countries.len(), 1);
    let first = AnalyticsParams { to: Some("2026-05-04".parse().unwrap()), ..AnalyticsParams::default() };
    let earlier = analytics(&guard, vendor(0).uuid(), &first).await.unwrap();
    let earlier_conversion = Conversion { page_views: 0, installs: 0, ..conversion };
    assert_eq!((earlier.conversion, earlier.totals.downloads), (earlier_conversion, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriptions_come_and_go() {
    let market = opened().await;
    // May: a month for 12.00, a year for 12.00, and a trial.
    market.subscribe(1, 0, 1, Interval::Monthly, false).await;
    market.subscribe(2, 0, 2, Interval::Yearly, false).await;
    market.subscribe(3, 0, 3, Interval::Monthly, true).await;
    market.clock.advance(DAY * 31);
    // June: the trial is paid, the first one is over.
    market.renew(3, 0).await;
    market.lapse(1, 0).await;
    market.clock.advance(DAY * 61);
    // August: a trial that was never paid begins and is over.
    market.subscribe(4, 0, 4, Interval::Monthly, true).await;
    market.lapse(4, 0).await;
    let (_reader, guard) = market.read().await;
    let months = AnalyticsParams { granularity: Granularity::Month, ..AnalyticsParams::default() };
    let all = analytics(&guard, vendor(0).uuid(), &months).await.unwrap().subscriptions;
    let points: Vec<_> = all.series.iter().map(|p| (p.date.to_string(), &p.figures)).collect();
    let shown: Vec<_> =
        points.iter().map(|(day, f)| (day.as_str(), f.active, f.started, f.lapsed, f.mrr["USD"], f.churn)).collect();
    assert_eq!(
        shown,
        [
            ("2026-05-01", 3, 3, 0, 1_200 + 100, None),
            ("2026-06-01", 2, 0, 1, 1_200 + 100, Some(0.3333)),
            ("2026-08-01", 2, 1, 1, 1_200 + 100, Some(0.5)),
        ]
    );
    let since_june = AnalyticsParams { from: Some("2026-06-01".parse().unwrap()), ..months };
    let later = analytics(&guard, vendor(0).uuid(), &since_june).await.unwrap().subscriptions;
    assert_eq!((later.totals.started, later.totals.lapsed, later.totals.churn), (1, 2, Some(0.6667)));
    assert_eq!((later.totals.active, later.series.len()), (2, 2));
    let nobody = analytics(&guard, vendor(5).uuid(), &AnalyticsParams::default()).await.unwrap();
    assert_eq!(nobody.subscriptions, souk_projections::vendor_analytics::Subscriptions::default());
}
