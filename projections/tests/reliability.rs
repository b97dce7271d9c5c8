//! What is shown of reliability and of validations.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use souk_domain::{
    personal::Personal,
    review,
    validation::{self, Verdict},
};
use souk_ports::Clock;
use souk_projections::{
    catalogue,
    reliability::{self, ValidationStatus},
};
use support::{Market, plugin, rating, user};

mod support;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reliability_says_why_and_how_it_moved() {
    let market = Market::opened().await;
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
    let market = Market::opened().await;
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
    let market = Market::opened().await;
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
    let market = Market::opened().await;
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
    let market = Market::opened().await;
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
    let market = Market::opened().await;
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
    let market = Market::opened().await;
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
async fn every_validation_is_on_one_page_and_the_newest_on_the_first() {
    let market = Market::opened().await;
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
