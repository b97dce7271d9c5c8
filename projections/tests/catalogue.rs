//! Finding plugins, and what is said of each.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use souk_domain::{
    listing::{Kind, Pricing},
    plugin, review, vendor,
};
use souk_projections::{
    QueryError,
    catalogue::{
        PluginStatus, SearchParams, SearchResult, Shelf, Sort, VersionStatus, plugin as find, vendor as find_vendor,
        versions,
    },
};
use support::{Market, details, plugin as id, rating, vendor as vendor_id};

mod support;

/// Name, name to show, kind, category, tags, description.
type Listed = (&'static str, &'static str, Kind, &'static str, &'static [&'static str], &'static str);

const CATALOGUE: [Listed; 9] = [
    (
        "slack-alerts",
        "Slack alerts on Stripe disputes",
        Kind::Workflow,
        "communication",
        &["slack", "stripe"],
        "Posts a message.",
    ),
    ("SlackBot", "Slack bot", Kind::Agent, "communication", &["Slack", "chat"], "Answers questions in channels."),
    (
        "k8s-security",
        "Kubernetes security audit",
        Kind::Skill,
        "security",
        &["kubernetes", "audit"],
        "Checks clusters for weak settings.",
    ),
    ("k8s-deploy", "Kubernetes deployments", Kind::Skill, "devops", &["kubernetes"], "Rolls out releases."),
    ("web-security", "Web application security", Kind::Plugin, "security", &["owasp"], "Looks for injection."),
    (
        "vector-search",
        "Vector search with Qdrant",
        Kind::McpServer,
        "databases",
        &["qdrant", "rag"],
        "Stores embeddings.",
    ),
    (
        "pdf-invoices",
        "Invoices from PDF",
        Kind::Workflow,
        "finance",
        &["pdf"],
        "Reads invoices; can post totals to Slack.",
    ),
    ("cafe-finder", "Café finder", Kind::Asset, "travel", &[], "Finds cafés near you."),
    ("n8n-helper", "n8n helper", Kind::Command, "automation", &["n8n"], "Explains nodes."),
];

async fn filled() -> Market {
    let market = Market::new().await;
    market.register_vendor(0, 0).await;
    market.vendor_event(0, vendor::Event::Verified {}).await;
    for (number, (name, shown, kind, category, tags, description)) in CATALOGUE.iter().enumerate() {
        let pricing = match number {
            2 => Pricing::OneTime { amount: 4_900, currency: "USD".parse().unwrap() },
            _ => Pricing::Free,
        };
        market.create(number, name, details(shown, *kind, category, tags, description), pricing).await;
        market.publish(number, "1.0.0", u8::try_from(90 + number).unwrap()).await;
    }
    market
}

fn asking(q: &str) -> SearchParams {
    SearchParams { q: Some(q.to_owned()), limit: 20, ..SearchParams::default() }
}

fn names(found: &SearchResult) -> Vec<String> {
    let name = |item: &bytes::Bytes| {
        let plugin: serde_json::Value = serde_json::from_slice(item).unwrap();
        plugin["name"].as_str().unwrap().to_owned()
    };
    found.items.iter().map(name).collect()
}

fn count(facet: &[(std::sync::Arc<str>, i64)], value: &str) -> Option<i64> {
    facet.iter().find(|(known, _)| known.as_ref() == value).map(|(_, count)| *count)
}

async fn sorted(shelf: &Shelf, params: &SearchParams) -> Vec<String> {
    let found = shelf.search(params).await.unwrap();
    let mut names = names(&found);
    assert_eq!(found.total, names.len());
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_are_found_whole_by_stem_by_beginning_and_misspelled() {
    let market = filled().await;
    let (_showcase, shelf) = market.shelf().await;
    for (q, expected) in [
        ("kubernetes security", vec!["k8s-security"]),
        ("security", vec!["k8s-security", "web-security"]),
        ("qdrant", vec!["vector-search"]),
        ("QDRANT!", vec!["vector-search"]),
        ("deploying", vec!["k8s-deploy"]),
        ("deployment of kubernetes", vec!["k8s-deploy"]),
        ("invoic", vec!["pdf-invoices"]),
        ("café", vec!["cafe-finder"]),
        ("cafes", vec!["cafe-finder"]),
        ("slackbot", vec!["SlackBot"]),
        ("slak", vec!["SlackBot", "pdf-invoices", "slack-alerts"]),
        ("kubernets securty", vec!["k8s-security"]),
        ("qdrnat", vec!["vector-search"]),
        ("n8n", vec!["n8n-helper"]),
        ("qdrant xyzzyxyzzy", vec!["vector-search"]),
        ("qdrant invoices", vec!["pdf-invoices", "vector-search"]),
        ("xyzzyxyzzy", vec![]),
        ("!!!", vec![]),
        ("the", vec![]),
    ] {
        assert_eq!(sorted(&shelf, &asking(q)).await, expected, "{q}");
    }
    assert_eq!(shelf.search(&asking("slak")).await.unwrap().corrected_query.as_deref(), Some("slack"));
    assert_eq!(shelf.search(&asking("slack")).await.unwrap().corrected_query, None);
    assert_eq!(sorted(&shelf, &asking("  ")).await.len(), CATALOGUE.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_and_tags_rank_above_descriptions_and_the_name_itself_first() {
    let market = filled().await;
    let (_showcase, shelf) = market.shelf().await;
    let found = shelf.search(&asking("slack")).await.unwrap();
    assert_eq!(names(&found).last(), Some(&"pdf-invoices".to_owned()), "{:?}", names(&found));
    for (number, (name, ..)) in CATALOGUE.iter().enumerate() {
        let found = shelf.search(&asking(name)).await.unwrap();
        assert_eq!(names(&found).first().map(String::as_str), Some(*name), "plugin {number}: {:?}", names(&found));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_narrow_and_facets_count_what_is_left() {
    let market = filled().await;
    let (_showcase, shelf) = market.shelf().await;
    let found = shelf.search(&asking("kubernetes")).await.unwrap();
    assert_eq!(found.total, 2);
    assert_eq!(found.facets.kind, [("skill".into(), 2)]);
    assert_eq!(found.facets.category.len(), 2);
    assert_eq!(count(&found.facets.tag, "kubernetes"), Some(2));
    assert_eq!(count(&found.facets.pricing, "one_time"), Some(1));
    assert_eq!(count(&found.facets.license, "MIT"), Some(2));
    let all = SearchParams { limit: 20, ..SearchParams::default() };
    for (params, expected) in [
        (SearchParams { kind: Some("workflow".to_owned()), ..all.clone() }, vec!["pdf-invoices", "slack-alerts"]),
        (SearchParams { category: Some("Security".to_owned()), ..all.clone() }, vec!["k8s-security", "web-security"]),
        (SearchParams { tag: Some("SLACK".to_owned()), ..all.clone() }, vec!["SlackBot", "slack-alerts"]),
        (SearchParams { pricing: Some("one_time".to_owned()), ..all.clone() }, vec!["k8s-security"]),
        (SearchParams { min_reliability: Some(97), ..all.clone() }, vec!["cafe-finder", "n8n-helper"]),
        (SearchParams { vendor: Some(vendor_id(3).uuid()), ..all.clone() }, vec![]),
        (
            SearchParams { kind: Some("skill".to_owned()), category: Some("devops".to_owned()), ..all.clone() },
            vec!["k8s-deploy"],
        ),
    ] {
        assert_eq!(sorted(&shelf, &params).await, expected, "{params:?}");
    }
    let whole = shelf.search(&all).await.unwrap();
    assert_eq!(whole.facets.kind.iter().map(|(_, count)| count).sum::<i64>(), 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_meet_without_gap_or_repetition_in_every_order() {
    let market = filled().await;
    for (number, installs) in [(3, 3), (5, 2), (1, 2)] {
        for who in 0..installs {
            market.install(number, who, "1.0.0", true).await;
        }
    }
    market.review(4, 1, 5).await;
    market.review(6, 1, 1).await;
    let (_showcase, shelf) = market.shelf().await;
    for sort in [Sort::Relevance, Sort::Reliability, Sort::Rating, Sort::Installs, Sort::Newest] {
        for q in [None, Some("slack".to_owned())] {
            let whole = SearchParams { q, sort, limit: 100, ..SearchParams::default() };
            let expected = names(&shelf.search(&whole).await.unwrap());
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let page = shelf.search(&SearchParams { cursor, limit: 2, ..whole.clone() }).await.unwrap();
                seen.extend(names(&page));
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(seen, expected, "{sort:?}");
        }
    }
    let first = |sort| SearchParams { sort, limit: 2, ..SearchParams::default() };
    for (sort, expected) in [
        (Sort::Installs, ["k8s-deploy", "vector-search"]),
        (Sort::Newest, ["n8n-helper", "cafe-finder"]),
        (Sort::Reliability, ["n8n-helper", "cafe-finder"]),
    ] {
        assert_eq!(names(&shelf.search(&first(sort)).await.unwrap()), expected, "{sort:?}");
    }
    let rated = shelf.search(&first(Sort::Rating)).await.unwrap();
    assert_eq!(names(&rated)[0], "web-security");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_of_another_search_or_an_altered_one_is_refused() {
    let market = filled().await;
    let (_showcase, shelf) = market.shelf().await;
    let params = SearchParams { limit: 2, sort: Sort::Newest, ..SearchParams::default() };
    let cursor = shelf.search(&params).await.unwrap().next_cursor.unwrap();
    for wrong in [
        SearchParams { sort: Sort::Rating, cursor: Some(cursor.clone()), ..params.clone() },
        SearchParams { kind: Some("skill".to_owned()), cursor: Some(cursor.clone()), ..params.clone() },
        SearchParams { cursor: Some(cursor.replace('0', "1")), ..params.clone() },
        SearchParams { cursor: Some("nonsense".to_owned()), ..params.clone() },
    ] {
        assert!(matches!(shelf.search(&wrong).await, Err(QueryError::InvalidCursor)), "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_published_plugins_are_listed_and_all_can_be_read() {
    let market = filled().await;
    market.create(20, "Draft.One", details("Slack draft", Kind::Skill, "x", &[], "Not yet."), Pricing::Free).await;
    market.plugin_event(0, plugin::Event::Suspended { reason: "looked at".to_owned() }).await;
    market.plugin_event(1, plugin::Event::Deprecated { message: "use slack-alerts".to_owned() }).await;
    let (_reader, guard) = market.read().await;
    let (_showcase, shelf) = market.shelf().await;
    assert_eq!(sorted(&shelf, &asking("slack")).await, ["SlackBot", "pdf-invoices"]);
    for (name, status) in [
        ("draft-one", PluginStatus::Draft),
        ("DRAFT_ONE", PluginStatus::Draft),
        ("slack-alerts", PluginStatus::Suspended),
        ("slackbot", PluginStatus::Deprecated),
        ("k8s.security", PluginStatus::Published),
    ] {
        assert_eq!(find(&guard, name).await.unwrap().unwrap().status, status, "{name}");
    }
    let plugin = find(&guard, &id(2).to_string()).await.unwrap().unwrap();
    assert_eq!((plugin.name.as_str(), plugin.latest_version.as_deref()), ("k8s-security", Some("1.0.0")));
    assert_eq!((plugin.vendor.slug.as_str(), plugin.vendor.verified), ("vendor-0", true));
    assert_eq!((plugin.reliability, plugin.rating.mean, plugin.rating.count), (Some(92), None, 0));
    assert_eq!(plugin.requirements, ["A computer"]);
    assert!(find(&guard, "nothing-here").await.unwrap().is_none());
    assert!(find(&guard, &vendor_id(0).to_string()).await.unwrap().is_none());
    assert!(find(&guard, "not/a name").await.unwrap().is_none());
    market.plugin_event(0, plugin::Event::Reinstated {}).await;
    let (_showcase, shelf) = market.shelf().await;
    assert_eq!(sorted(&shelf, &asking("slack")).await, ["SlackBot", "pdf-invoices", "slack-alerts"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_latest_version_follows_a_vendor_who_goes_back() {
    let market = Market::new().await;
    market.register_vendor(0, 0).await;
    market.create(0, "tool", details("Tool", Kind::Skill, "x", &[], "A tool."), Pricing::Free).await;
    let latest = async |market: &Market| {
        let (_reader, guard) = market.read().await;
        find(&guard, "tool").await.unwrap().unwrap().latest_version
    };
    let back_to = |version: &str| plugin::Event::RolledBack {
        version: version.parse().unwrap(),
        from_version: None,
        reason: "broken".to_owned(),
    };
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        market.publish(0, version, 90).await;
    }
    market.submit(0, "1.3.0").await;
    market.plugin_event(0, back_to("1.1.0")).await;
    assert_eq!(latest(&market).await.as_deref(), Some("1.1.0"), "all in one flush");
    market.plugin_event(0, back_to("1.0.0")).await;
    assert_eq!(latest(&market).await.as_deref(), Some("1.0.0"), "of a plugin that was there");
    market.publish(0, "2.0.0-rc.1", 90).await;
    assert_eq!(latest(&market).await.as_deref(), Some("1.0.0"), "a release comes before any pre-release");
    market.approve(0, "1.3.0", Some(90)).await;
    assert_eq!(latest(&market).await.as_deref(), Some("1.3.0"), "approved since");
    market.plugin_event(0, back_to("1.2.0")).await;
    assert_eq!(latest(&market).await.as_deref(), Some("1.2.0"));
    let yanked = plugin::Event::VersionYanked { version: "1.2.0".parse().unwrap(), reason: "broken".to_owned() };
    market.plugin_event(0, yanked).await;
    assert_eq!(latest(&market).await.as_deref(), Some("1.1.0"), "never forward by itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_latest_version_is_the_highest_that_installs_and_a_release_before_a_pre_release() {
    let market = Market::new().await;
    market.register_vendor(0, 0).await;
    market.create(0, "tool", details("Tool", Kind::Skill, "x", &[], "A tool."), Pricing::Free).await;
    let latest = async |market: &Market| {
        let (_reader, guard) = market.read().await;
        find(&guard, "tool").await.unwrap().unwrap().latest_version
    };
    market.publish(0, "1.0.0-rc.1", 90).await;
    assert_eq!(latest(&market).await.as_deref(), Some("1.0.0-rc.1"));
    market.publish(0, "1.9.0", 91).await;
    market.publish(0, "1.10.0", 92).await;
    market.publish(0, "2.0.0-beta.2", 93).await;
    market.submit(0, "2.0.0").await;
    assert_eq!(latest(&market).await.as_deref(), Some("1.10.0"));
    let yank =
        |version: &str| plugin::Event::VersionYanked { version: version.parse().unwrap(), reason: "broken".to_owned() };
    market.plugin_event(0, yank("1.10.0")).await;
    assert_eq!(latest(&market).await.as_deref(), Some("1.9.0"));
    market.plugin_event(0, yank("1.9.0")).await;
    assert_eq!(latest(&market).await.as_deref(), Some("2.0.0-beta.2"));

    let (_reader, guard) = market.read().await;
    let all = versions(&guard, id(0).uuid()).await.unwrap();
    let all: Vec<_> =
        all.iter().map(|version| (version.version.as_str(), version.status, version.confidence)).collect();
    assert_eq!(
        all,
        [
            ("2.0.0", VersionStatus::Submitted, None),
            ("2.0.0-beta.2", VersionStatus::Approved, Some(93)),
            ("1.10.0", VersionStatus::Yanked, Some(92)),
            ("1.9.0", VersionStatus::Yanked, Some(91)),
            ("1.0.0-rc.1", VersionStatus::Approved, Some(90)),
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ratings_reliability_and_installs_count_what_is_live() {
    let market = filled().await;
    market.install(3, 1, "1.0.0", true).await;
    market.install(3, 1, "1.0.0", false).await;
    market.install(3, 2, "1.0.0", true).await;
    for (who, stars) in [(1, 5), (2, 1), (3, 1), (4, 4)] {
        market.review(3, who, stars).await;
    }
    market.review_event(3, 2, review::Event::Hidden { rating: rating(1), reason: "rude".to_owned() }).await;
    market.review_event(3, 3, review::Event::Retracted { rating: rating(1), hidden: false }).await;
    let (_reader, guard) = market.read().await;
    let plugin = find(&guard, "k8s-deploy").await.unwrap().unwrap();
    assert_eq!(plugin.installs, 2);
    assert_eq!((plugin.rating.count, plugin.rating.mean), (2, Some(3.79)), "(17.5 + 9) / 7");
    assert_eq!(plugin.reliability, Some(94), "93 and a point for five stars");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_counts_once_a_user_version_and_day() {
    let market = filled().await;
    for (number, of, who) in [(0, 0, 1), (1, 0, 1), (2, 0, 2), (3, 1, 1)] {
        market.download(number, of, who).await;
    }
    market.clock.advance(std::time::Duration::from_secs(24 * 3600));
    market.download(4, 0, 1).await;
    let (reader, guard) = market.read().await;
    let counted = find(&guard, "slack-alerts").await.unwrap().unwrap();
    assert_eq!((counted.downloads, counted.installs), (3, 0));
    drop((reader, guard));
    // What was counted before is known when more comes.
    market.download(5, 0, 1).await;
    market.download(6, 0, 3).await;
    let (_reader, guard) = market.read().await;
    let counted = find(&guard, "slack-alerts").await.unwrap().unwrap();
    assert_eq!(counted.downloads, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vendors_are_found_by_id_and_slug() {
    let market = filled().await;
    let (_reader, guard) = market.read().await;
    let by_slug = find_vendor(&guard, "vendor-0").await.unwrap().unwrap();
    assert!(by_slug.verified && !by_slug.suspended);
    assert_eq!(find_vendor(&guard, &vendor_id(0).to_string()).await.unwrap(), Some(by_slug));
    assert_eq!(find_vendor(&guard, "nobody").await.unwrap(), None);
}
