//! What is shown of reliability, sales, libraries, reviews and history.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::{sync::Arc, time::Duration};

use souk_domain::{
    installation, license,
    listing::{Kind, Pricing},
    personal::Personal,
    review,
    validation::{self, Verdict},
};
use souk_ports::{Clock, Directory, EventLog, Timeline, Vault};
use souk_projections::{
    Directories, catalogue, library,
    reliability::{self, ValidationStatus},
    reviews, timeline,
    vendor_analytics::{AnalyticsParams, Granularity, analytics},
};
use support::{Market, details, license_of, order, plugin, rating, user, vendor};

mod support;

async fn opened() -> Market {
    let market = Market::new().await;
    for (number, name) in ["Ada", "Ben", "Cleo"].into_iter().enumerate() {
        market.register_user(number, name).await;
    }
    market.register_vendor(0, 0).await;
    market.create(0, "free-tool", details("Free tool", Kind::Skill, "x", &[], "Free."), Pricing::Free).await;
    let pricing = Pricing::OneTime { amount: 4_900, currency: "USD".parse().unwrap() };
    market.create(1, "paid-tool", details("Paid tool", Kind::Skill, "x", &[], "Paid."), pricing).await;
    market
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reliability_says_why_and_how_it_moved() {
    let market = opened().await;
    market.review(0, 2, 1).await;
    market.publish(0, "1.0.0", 91).await;
    market.review(0, 1, 5).await;
    market
        .review_event(
            0,
            2,
            review::Event::Edited {
                rating: rating(5),
                previous_rating: rating(1),
                title: Personal::new(user(2), "Better"),
                body: Personal::new(user(2), "Fixed."),
                hidden: false,
            },
        )
        .await;
    market.publish(0, "1.1.0", 100).await;
    let (_reader, guard) = market.read().await;
    let page = reliability::reliability(&guard, plugin(0).uuid()).await.unwrap();
    assert_eq!(page.score, Some(100), "102 is held at 100");
    assert_eq!(
        (page.parts.validation, page.parts.version.as_deref(), page.parts.reviews),
        (Some(100), Some("1.1.0"), 2)
    );
    let history: Vec<_> =
        page.history.iter().map(|change| (change.cause.as_str(), change.delta, change.score)).collect();
    assert_eq!(
        history,
        [
            ("validation.concluded", Some(7), Some(100)),
            ("review.edited", Some(2), Some(93)),
            ("review.submitted", Some(1), Some(91)),
            ("validation.concluded", None, Some(90)),
            ("review.submitted", None, None),
        ]
    );
    let shown = catalogue::plugin(&guard, "free-tool").await.unwrap().unwrap();
    assert_eq!(shown.reliability, page.score);
    let unknown = reliability::reliability(&guard, plugin(1).uuid()).await.unwrap();
    assert_eq!((unknown.score, unknown.history.len()), (None, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn executions_move_reliability_and_only_what_the_plugin_did_counts() {
    let market = opened().await;
    market.publish(0, "1.0.0", 91).await;
    for outcome in [0, 1, 2, 2, 3, 3, 3] {
        market.executed(0, 1, outcome).await;
    }
    market.clock.advance(std::time::Duration::from_secs(86_400));
    for _ in 0..26 {
        market.executed(0, 1, 0).await;
    }
    let (_reader, guard) = market.read().await;
    let page = reliability::reliability(&guard, plugin(0).uuid()).await.unwrap();
    assert_eq!((page.parts.succeeded, page.parts.failed), (28, 2));
    // (10 * 28 - 40 * 2) / (20 + 28 + 2); on the first day (10 * 2 - 40 * 2) / (20 + 2 + 2) = -2.5.
    assert_eq!((page.parts.executions, page.score), (4, Some(95)));
    let history: Vec<_> =
        page.history.iter().map(|change| (change.cause.as_str(), change.delta, change.score)).collect();
    let expected = [
        ("executions", Some(6), Some(95)),
        ("executions", Some(-2), Some(89)),
        ("validation.concluded", None, Some(91)),
    ];
    assert_eq!(history, expected);
    let shown = catalogue::plugin(&guard, "free-tool").await.unwrap().unwrap();
    assert_eq!(shown.reliability, page.score);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cross_checks_move_reliability() {
    let market = opened().await;
    market.submit(0, "1.0.0").await;
    market.cross_check(0, "1.0.0", &[300, 600]).await;
    market.validate(0, "1.0.0", 91, Verdict::Escalate).await;
    let (_reader, guard) = market.read().await;
    let page = reliability::reliability(&guard, plugin(0).uuid()).await.unwrap();
    assert_eq!((page.parts.cross_checks, page.score), (-2, Some(89)));
    let causes: Vec<_> = page.history.iter().map(|change| (change.cause.as_str(), change.score)).collect();
    assert_eq!(causes, [("validation.concluded", Some(89)), ("validation.cross_checked", None)]);
    let shown = catalogue::plugin(&guard, "free-tool").await.unwrap().unwrap();
    assert_eq!(shown.reliability, page.score);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_change_says_what_it_adds_and_what_became_of_the_score() {
    let market = opened().await;
    market.publish(0, "1.0.0", 99).await;
    market.review(0, 1, 5).await;
    market.review(0, 2, 5).await;
    market.executed(0, 1, 2).await;
    market.clock.advance(Duration::from_secs(86_400));
    for _ in 0..40 {
        market.executed(0, 1, 0).await;
    }
    market.cross_check(0, "1.0.0", &[1_000]).await;
    let (_reader, guard) = market.read().await;
    let told = |change: &reliability::Change| {
        (change.cause.clone(), change.points, change.before, change.delta, change.score, change.clamped)
    };
    let change = |cause: &str, points, [before, delta, score]: [Option<i64>; 3], clamped| {
        (cause.to_owned(), points, before, delta, score, clamped)
    };
    let expected = [
        change("validation.cross_checked", 2, [Some(100), Some(0), Some(100)], true),
        // (10 * 40 - 40) / (20 + 41) = 5, and it was (-40) / 21 = -1.
        change("executions", 6, [Some(100), Some(0), Some(100)], true),
        change("executions", -1, [Some(100), Some(0), Some(100)], true),
        change("review.submitted", 1, [Some(100), Some(0), Some(100)], true),
        change("review.submitted", 1, [Some(99), Some(1), Some(100)], false),
        change("validation.concluded", 99, [None, None, Some(99)], false),
    ];
    let page = reliability::reliability(&guard, plugin(0).uuid()).await.unwrap();
    assert_eq!(page.history.iter().map(told).collect::<Vec<_>>(), expected);
    let days: Vec<_> = page.history.iter().map(|change| (change.succeeded, change.failed)).collect();
    assert_eq!(days[..3], [(None, None), (Some(40), Some(0)), (Some(0), Some(1))]);

    let mut paged = Vec::new();
    let mut cursor = None;
    loop {
        let page = reliability::history(&guard, plugin(0).uuid(), cursor.as_deref(), 4).await.unwrap();
        paged.extend(page.items.iter().map(told));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(paged, expected);
    let foreign = reliability::history(&guard, plugin(0).uuid(), None, 1).await.unwrap().next_cursor;
    assert!(reliability::history(&guard, plugin(1).uuid(), foreign.as_deref(), 1).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_costs_what_the_score_would_be_without_it() {
    let market = opened().await;
    market.executed(1, 1, 2).await;
    market.publish(0, "1.0.0", 90).await;
    market.executed(0, 1, 2).await;
    market.executed(0, 1, 2).await;
    let (_reader, guard) = market.read().await;
    // (-80) / 22 = -3, and with one (-40) / 21 = -1.
    assert_eq!(reliability::failure_impact(&guard, plugin(0).uuid()).await.unwrap(), Some(-2));
    assert_eq!(reliability::failure_impact(&guard, plugin(1).uuid()).await.unwrap(), None, "it has no score");
    assert_eq!(reliability::failure_impact(&guard, plugin(2).uuid()).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cross_checks_and_failures_are_told_by_what_they_have_in_common() {
    let market = opened().await;
    let begun = market.clock.now();
    for (version, attempts) in [("1.0.0", &[1_000][..]), ("1.1.0", &[600, 920]), ("1.2.0", &[500, 600])] {
        market.submit(0, version).await;
        market.validate(0, version, 80, Verdict::Escalate).await;
        market.cross_check(0, version, attempts).await;
        market.clock.advance(Duration::from_secs(86_400));
    }
    let reason = "they differ".to_owned();
    let escalated = validation::Event::Escalated { version: "1.2.0".parse().unwrap(), reason };
    market.validation_event(0, "1.2.0", escalated).await;
    for outcome in [0, 2, 2, 3, 4] {
        market.executed(0, 1, outcome).await;
    }
    let (_reader, guard) = market.read().await;
    let metrics = reliability::reliability(&guard, plugin(0).uuid()).await.unwrap().metrics;

    let total = &metrics.consensus;
    assert_eq!((total.checks, total.mean, total.retried), (3, Some(0.84), 2));
    assert_eq!([total.above_950, total.above_900, total.above_800, total.above_700], [1, 2, 2, 2]);
    let days: Vec<_> = metrics.days.iter().map(|day| (day.day.unwrap().to_string(), day.checks, day.mean)).collect();
    let day = |day: &str, mean| (day.to_owned(), 1, Some(mean));
    assert_eq!(days, [day("2026-05-06", 0.6), day("2026-05-05", 0.92), day("2026-05-04", 1.0)]);
    let agreement: Vec<_> = metrics
        .agreement
        .iter()
        .map(|it| (it.version.as_str(), it.consensus, it.attempts.len(), it.escalated))
        .collect();
    assert_eq!(agreement, [("1.2.0", 600, 2, true), ("1.1.0", 920, 2, false), ("1.0.0", 1_000, 1, false)]);

    let patterns = |patterns: &[reliability::Pattern]| -> Vec<_> {
        let told =
            |it: &reliability::Pattern| (it.code.clone(), it.nature.clone(), it.count, it.share, it.versions.clone());
        patterns.iter().map(told).collect()
    };
    let pattern = |code: &str, nature: &str, count, share, versions: &[&str]| {
        let versions: Vec<_> = versions.iter().map(|&version| version.to_owned()).collect();
        (code.to_owned(), nature.to_owned(), count, share, versions)
    };
    assert_eq!(
        patterns(&metrics.executions),
        [
            pattern("trapped", "plugin", 2, 0.5, &["1.0.0"]),
            pattern("plugin_failed", "caller", 1, 0.25, &["1.0.0"]),
            pattern("time_exceeded", "plugin", 1, 0.25, &["1.0.0"]),
        ]
    );
    let versions = ["1.2.0", "1.1.0", "1.0.0"];
    let expected =
        [pattern("artifact.odd", "low", 3, 0.5, &versions), pattern("manifest.odd", "low", 3, 0.5, &versions)];
    assert_eq!(patterns(&metrics.validations), expected);
    let odd = &metrics.validations[0];
    assert_eq!((odd.version_count, odd.first_at), (3, begun));
    assert_eq!(odd.last_at - odd.first_at, chrono::TimeDelta::days(2));

    let unknown = reliability::reliability(&guard, plugin(1).uuid()).await.unwrap().metrics;
    assert_eq!(unknown, reliability::Metrics::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn validations_show_their_steps_findings_and_verdicts() {
    let market = opened().await;
    market.submit(0, "1.0.0").await;
    market.validate(0, "1.0.0", 80, Verdict::Escalate).await;
    let version: semver::Version = "1.0.0".parse().unwrap();
    let (_reader, guard) = market.read().await;
    let shown = reliability::validations(&guard, plugin(0).uuid(), None, 10).await.unwrap().items;
    assert_eq!((shown[0].status, shown[0].confidence), (ValidationStatus::Concluded, Some(80)));
    assert_eq!(
        catalogue::versions(&guard, plugin(0).uuid()).await.unwrap()[0].status,
        catalogue::VersionStatus::NeedsReview
    );
    let reason = "unsure".to_owned();
    market.validation_event(0, "1.0.0", validation::Event::Escalated { version: version.clone(), reason }).await;
    let ruling = validation::Ruling { verdict: Verdict::Reject, reason: "no".to_owned(), on_appeal: false };
    market.validation_event(0, "1.0.0", validation::Event::Adjudicated { version, ruling }).await;
    let (_reader, guard) = market.read().await;
    let shown = reliability::validations(&guard, plugin(0).uuid(), None, 10).await.unwrap().items;
    let [shown] = shown.as_slice() else { panic!("one validation") };
    assert_eq!(
        (shown.status, shown.verdict, shown.adjudicated),
        (ValidationStatus::Adjudicated, Some(Verdict::Escalate), Some(Verdict::Reject))
    );
    assert_eq!(shown.escalated.as_deref(), Some("unsure"));
    assert_eq!(shown.steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>(), ["manifest", "artifact"]);
    assert_eq!(shown.steps[1].findings[0].rule, "artifact.odd");
    assert_eq!(shown.thresholds.map(|thresholds| thresholds.approve), Some(90));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn analytics_add_up() {
    let market = opened().await;
    market.install(0, 1, "1.0.0", true).await;
    market.install(0, 2, "1.0.0", true).await;
    market.place(1, 1, 1, 4_900, "USD").await;
    market.pay(1, 1, 4_900, "USD").await;
    market.clock.advance(Duration::from_secs(86_400));
    market.installation_event(0, 2, installation::Event::Uninstalled { version: "1.0.0".parse().unwrap() }).await;
    market.review(0, 1, 5).await;
    market.review(1, 1, 4).await;
    market.place(2, 1, 2, 4_900, "USD").await;
    market.pay(2, 1, 4_900, "USD").await;
    market.refund(1, 1, (1_000, 1_000), "USD", false).await;
    market.place(3, 1, 2, 500, "JPY").await;
    market.pay(3, 1, 500, "JPY").await;
    market.place(4, 1, 2, 500, "JPY").await;
    let (_reader, guard) = market.read().await;
    let all = analytics(&guard, vendor(0).uuid(), &AnalyticsParams::default()).await.unwrap();
    let totals = &all.totals;
    assert_eq!((totals.installs, totals.uninstalls, totals.active_installs), (2, 1, 1));
    assert_eq!((totals.orders, totals.reviews, totals.average_rating), (2, 2, Some(4.5)));
    assert_eq!((totals.gross_revenue, totals.refunds, totals.commission), (9_800, 1_000, 735 + 735 - 150));
    assert_eq!((totals.net_revenue, totals.currency.as_str()), (9_800 - 1_000 - 1_320, "USD"));
    assert_eq!(all.by_currency["JPY"].net_revenue, 425);
    assert_eq!(all.series.len(), 2);
    assert_eq!((all.series[0].figures.active_installs, all.series[1].figures.active_installs), (2, 1));
    assert_eq!((all.series[0].figures.gross_revenue, all.series[1].figures.gross_revenue), (4_900, 4_900));
    assert_eq!(all.plugins.iter().map(|plugin| plugin.name.as_str()).collect::<Vec<_>>(), ["paid-tool", "free-tool"]);

    let second_day = AnalyticsParams {
        from: Some("2026-05-05".parse().unwrap()),
        currency: Some("JPY".to_owned()),
        ..AnalyticsParams::default()
    };
    let later = analytics(&guard, vendor(0).uuid(), &second_day).await.unwrap();
    assert_eq!((later.totals.installs, later.totals.active_installs, later.totals.gross_revenue), (0, 1, 500));
    assert_eq!(later.series.len(), 1);
    let first_day = AnalyticsParams {
        to: Some("2026-05-04".parse().unwrap()),
        granularity: Granularity::Month,
        ..AnalyticsParams::default()
    };
    let earlier = analytics(&guard, vendor(0).uuid(), &first_day).await.unwrap();
    assert_eq!(
        (earlier.totals.active_installs, earlier.totals.average_rating, earlier.totals.net_revenue),
        (2, None, 4_165)
    );
    assert_eq!(earlier.series[0].date, "2026-05-01".parse().unwrap());
    let nobody = analytics(&guard, vendor(5).uuid(), &AnalyticsParams::default()).await.unwrap();
    assert_eq!((nobody.totals.orders, nobody.totals.currency.as_str(), nobody.series.len()), (0, "USD", 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn libraries_hold_installations_licenses_and_orders() {
    let market = opened().await;
    for (number, of) in [(1, 1), (2, 0), (3, 1)] {
        market.place(number, of, 1, 4_900, "USD").await;
    }
    market.pay(1, 1, 4_900, "USD").await;
    market.issue(1, 1, 1).await;
    market.activate(1, 1, "laptop", market.clock.now()).await;
    market.activate(1, 1, "phone", market.clock.now()).await;
    market.license_event(1, 1, license::Event::Deactivated { fingerprint: "laptop".to_owned(), activations: 1 }).await;
    market.install(0, 1, "1.0.0", true).await;
    market.install(1, 1, "1.0.0", true).await;
    let blocked = installation::Event::Blocked {
        version: "1.0.0".parse().unwrap(),
        license_id: license_of(1),
        reason: "refund".to_owned(),
    };
    market.installation_event(1, 1, blocked).await;
    market.refund(1, 1, (900, 900), "USD", false).await;
    let (_reader, guard) = market.read().await;

    let page = library::orders(&guard, user(1).uuid(), None, 2).await.unwrap();
    assert_eq!(page.items.iter().map(|row| row.id).collect::<Vec<_>>(), [order(3).uuid(), order(2).uuid()]);
    let page = library::orders(&guard, user(1).uuid(), page.next_cursor.as_deref(), 2).await.unwrap();
    let [paid] = page.items.as_slice() else { panic!("one order is left") };
    assert_eq!((paid.status.as_str(), paid.refunded_total, page.next_cursor), ("partially_refunded", 900, None));
    assert_eq!((paid.plugin.name.as_str(), paid.payment_reference.as_deref()), ("paid-tool", Some("transfer 1")));
    assert_eq!(library::order(&guard, order(2).uuid()).await.unwrap().unwrap().status, "pending");
    assert!(library::orders(&guard, user(2).uuid(), None, 20).await.unwrap().items.is_empty());

    let licenses = library::licenses(&guard, market.vault.as_ref(), user(1).uuid(), None, 20).await.unwrap().items;
    assert_eq!((licenses.len(), licenses[0].status.as_str(), licenses[0].max_devices), (1, "active", 3));
    assert_eq!(
        licenses[0].activations.iter().map(|machine| machine.fingerprint.as_str()).collect::<Vec<_>>(),
        ["phone"]
    );
    assert_eq!(licenses[0].activations[0].label.as_deref(), Some("my phone"));
    let json = serde_json::to_value(&licenses[0]).unwrap();
    assert_eq!((json["type"].as_str(), json["plugin"]["displayName"].as_str()), (Some("perpetual"), Some("Paid tool")));

    let installed = library::installations(&guard, user(1).uuid(), None, 20).await.unwrap().items;
    let installed: Vec<_> = installed.iter().map(|row| (row.plugin.name.as_str(), row.status.as_str())).collect();
    assert_eq!(installed, [("paid-tool", "blocked"), ("free-tool", "installed")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reviews_show_what_is_live_and_nobodys_id() {
    let market = opened().await;
    market.register_vendor(1, 1).await;
    for (who, stars) in [(0, 5), (1, 2), (2, 3)] {
        market.review(0, who, stars).await;
    }
    market.review_event(0, 0, review::Event::Replied { body: "Thank you.".to_owned() }).await;
    market.review_event(0, 1, review::Event::Hidden { rating: rating(2), reason: "rude".to_owned() }).await;
    let (_reader, guard) = market.read().await;
    let first = reviews::reviews(&guard, market.vault.as_ref(), plugin(0).uuid(), None, 1).await.unwrap();
    assert_eq!(first.items[0].author.display_name.as_deref(), Some("Cleo"));
    assert_eq!(
        (first.items[0].title.as_deref(), first.items[0].body.as_deref()),
        (Some("3 stars"), Some("What I think."))
    );
    assert_eq!((first.summary.rating.count, first.summary.histogram), (2, [0, 0, 1, 0, 1]));
    let second = reviews::reviews(&guard, market.vault.as_ref(), plugin(0).uuid(), first.next_cursor.as_deref(), 1)
        .await
        .unwrap();
    assert_eq!(second.items[0].reply.as_ref().map(|reply| reply.body.as_str()), Some("Thank you."));
    assert_eq!(second.next_cursor, None);
    let shown = serde_json::to_string(&(first, second)).unwrap();
    assert!((0..3).all(|who| !shown.contains(&user(who).to_string())), "{shown}");
    assert!(
        reviews::review_of(&guard, market.vault.as_ref(), plugin(0).uuid(), user(1).uuid())
            .await
            .unwrap()
            .unwrap()
            .hidden
    );
    assert!(
        reviews::review_of(&guard, market.vault.as_ref(), plugin(1).uuid(), user(1).uuid()).await.unwrap().is_none()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_who_is_erased_no_text_is_left_and_all_that_was_counted_is() {
    let market = opened().await;
    market.register_vendor(1, 1).await;
    for (who, stars) in [(0, 5), (1, 2)] {
        market.review(0, who, stars).await;
    }
    let (_reader, guard) = market.read().await;
    let vault = market.vault.as_ref();
    let written = reviews::written_by(&guard, vault, user(1).uuid()).await.unwrap();
    assert_eq!(written.len(), 1);
    assert_eq!((written[0].plugin_id, written[0].review.title.as_deref()), (plugin(0).uuid(), Some("2 stars")));
    let readable: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM reviews_person WHERE display_name NOT LIKE '{\"$enc\"%')
             + (SELECT count(*) FROM reviews_review WHERE title NOT LIKE '{\"$enc\"%' OR body NOT LIKE '{\"$enc\"%')",
    )
    .fetch_one(guard.pool())
    .await
    .unwrap();
    assert_eq!(readable, 0, "texts that can be read are in the tables");

    vault.destroy(user(1)).await.unwrap();
    let page = reviews::reviews(&guard, vault, plugin(0).uuid(), None, 20).await.unwrap();
    let texts: Vec<_> =
        page.items.iter().map(|review| (review.author.display_name.is_some(), review.title.is_some())).collect();
    assert_eq!(texts, [(false, false), (true, true)]);
    assert_eq!(page.summary.rating.count, 2);

    // Another row's text does not open here.
    sqlx::query(
        "UPDATE souk_reviews_g1.reviews_review SET title =
             (SELECT title FROM souk_reviews_g1.reviews_review WHERE user_id = $2) WHERE user_id = $1",
    )
    .bind(user(1).uuid())
    .bind(user(0).uuid())
    .execute(&market.pool)
    .await
    .unwrap();
    let moved = reviews::reviews(&guard, vault, plugin(0).uuid(), None, 20).await.unwrap_err();
    assert!(matches!(moved, souk_projections::QueryError::Corrupt(_)), "{moved}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timelines_and_directories_point_into_the_log() {
    let market = opened().await;
    market.register_vendor(1, 2).await;
    market.register_vendor(2, 2).await;
    market.publish(0, "1.0.0", 95).await;
    market.install(0, 1, "1.0.0", true).await;
    market.issue(7, 1, 1).await;
    market.issue(8, 1, 1).await;
    let (reader, guard) = market.read().await;
    let expected: Vec<u64> = market
        .log
        .events()
        .iter()
        .filter(|event| String::from_utf8_lossy(&event.metadata).contains(&plugin(0).to_string()))
        .map(|event| event.position)
        .collect();
    assert_eq!(timeline::positions(&guard, plugin(0).uuid(), 0, 100).await.unwrap(), expected);
    assert!(expected.len() > 5);

    let head = market.log.head().await.unwrap();
    let directories = Directories::new(Arc::new(reader), Duration::from_millis(50));
    let page = directories.page(plugin(0), expected[0], 3, head).await.unwrap();
    assert_eq!(page, expected[1..4]);
    assert_eq!(directories.vendors_of(user(2), 0).await.unwrap(), [vendor(1), vendor(2)]);
    assert_eq!(directories.licenses_of(user(1), plugin(1), head).await.unwrap(), [license_of(8), license_of(7)]);
    assert!(directories.vendors_of(user(2), head + 1).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_validation_is_on_one_page_and_the_newest_on_the_first() {
    let market = opened().await;
    let versions: Vec<_> = (0..103).rev().map(|minor| format!("1.{minor}.0")).collect();
    for version in versions.iter().rev() {
        market.submit(0, version).await;
        market.validate(0, version, 95, Verdict::Approve).await;
    }
    let (_reader, guard) = market.read().await;
    let page =
        async |cursor: Option<&str>, limit| reliability::validations(&guard, plugin(0).uuid(), cursor, limit).await;
    let (mut shown, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = page(cursor.as_deref(), 50).await.unwrap();
        assert!(page.items.len() == 50 || page.next_cursor.is_none());
        shown.extend(page.items.into_iter().map(|validation| validation.version));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(shown, versions);
    assert_eq!(page(None, 103).await.unwrap().next_cursor, None, "nothing is behind the last one");
    let next = page(None, 1).await.unwrap().next_cursor;
    let elsewhere = reliability::validations(&guard, plugin(1).uuid(), next.as_deref(), 1).await;
    assert!(matches!(elsewhere, Err(souk_projections::QueryError::InvalidCursor)), "a cursor is good for its list");
}
