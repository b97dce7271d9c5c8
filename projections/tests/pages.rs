//! What is shown of sales, libraries, reviews and history.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::{sync::Arc, time::Duration};

use souk_domain::{installation, license, review};
use souk_ports::{Clock, Directory, EventLog, Timeline, Vault};
use souk_projections::{
    Directories, library, reviews, timeline,
    vendor_analytics::{AnalyticsParams, Granularity, analytics},
};
use support::{Market, license_of, order, plugin, rating, user, vendor};

mod support;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn analytics_add_up() {
    let market = Market::opened().await;
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
    let market = Market::opened().await;
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
    let market = Market::opened().await;
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
    let market = Market::opened().await;
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
    let market = Market::opened().await;
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
