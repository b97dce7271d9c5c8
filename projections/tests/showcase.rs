//! What is kept in memory is what the rows say, whoever writes them and however fast.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use souk_domain::{
    listing::{Kind, Pricing},
    plugin, vendor,
};
use souk_ports::EventLog;
use souk_projections::catalogue::{NotShown, SearchParams, Shelf, Showcase, ShowcaseOptions};
use souk_projector::{Reader, ReaderOptions, RebuildOptions};
use sqlx::{AssertSqlSafe, PgPool};
use support::{Market, PATIENCE, SHOWN, details, plugin as id, vendor as vendor_id};

mod support;

async fn listed(plugins: usize) -> Market {
    let market = Market::new().await;
    market.register_vendor(0, 0).await;
    for number in 0..plugins {
        let about = details(&format!("Tool {number}"), Kind::Skill, "tools", &["one"], "Does something useful.");
        market.create(number, &format!("tool-{number}"), about, Pricing::Free).await;
        market.publish(number, "1.0.0", 95).await;
    }
    market
}

async fn page(shelf: &Shelf, plugin: &str) -> Value {
    serde_json::from_slice(&shelf.page(plugin).await.unwrap().unwrap().bytes).unwrap()
}

fn asking(q: &str) -> SearchParams {
    SearchParams { q: Some(q.to_owned()), limit: 100, ..SearchParams::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_for_a_write_sees_it_however_many_write_and_read() {
    const PLUGINS: usize = 4;
    let market = Arc::new(listed(PLUGINS).await);
    let running = market.run(7);
    let reader = market.reader().await;
    let showcase = Arc::new(Showcase::start(&reader, SHOWN));
    showcase.at(market.log.head().await.unwrap(), PATIENCE).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    // They keep the pages in memory, and read them again the moment they are old.
    let looking: Vec<_> = (0..4)
        .map(|number| {
            let (showcase, stop) = (Arc::clone(&showcase), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut last = 0;
                while !stop.load(Ordering::Relaxed) {
                    let shelf = showcase.at(0, PATIENCE).await.unwrap();
                    let installs = page(&shelf, &format!("tool-{number}")).await["installs"].as_i64().unwrap();
                    assert!(installs >= last, "{installs} after {last}");
                    last = installs;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    // A market numbers its events by the head of its log.
    let appending = Arc::new(tokio::sync::Mutex::new(()));
    let writing = (0..PLUGINS).map(|number| {
        let (market, showcase, appending) = (Arc::clone(&market), Arc::clone(&showcase), Arc::clone(&appending));
        tokio::spawn(async move {
            for count in 1..=40 {
                let position = {
                    let _one = appending.lock().await;
                    market.install(number, count * PLUGINS + number, "1.0.0", true).await;
                    market.log.head().await.unwrap()
                };
                let shelf = showcase.at(position, PATIENCE).await.unwrap();
                let by_name = page(&shelf, &format!("tool-{number}")).await;
                let by_id = page(&shelf, &id(number).to_string()).await;
                let found = shelf.search(&asking(&format!("tool {number}"))).await.unwrap();
                let found: Value = serde_json::from_slice(&found.items[0]).unwrap();
                for seen in [by_name, by_id, found] {
                    assert_eq!(
                        (&seen["name"], seen["installs"].as_u64()),
                        (&format!("tool-{number}").into(), Some(count as u64))
                    );
                }
            }
        })
    });
    for written in writing.collect::<Vec<_>>() {
        written.await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    for looked in looking {
        looked.await.unwrap();
    }
    assert!(showcase.status().unwrap().hits > 0, "pages were kept");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vendor_that_changes_changes_all_its_pages() {
    let market = listed(2).await;
    let running = market.run(100);
    let reader = market.reader().await;
    let showcase = Showcase::start(&reader, SHOWN);
    let shelf = showcase.at(market.log.head().await.unwrap(), PATIENCE).await.unwrap();
    assert_eq!(page(&shelf, "tool-1").await["vendor"]["verified"], false);
    market.vendor_event(0, vendor::Event::Verified {}).await;
    let shelf = showcase.at(market.log.head().await.unwrap(), PATIENCE).await.unwrap();
    assert_eq!(page(&shelf, "tool-1").await["vendor"]["verified"], true);
    // A plugin that changes hands is found with its new vendor.
    market.register_vendor(1, 1).await;
    let moved = plugin::Event::Transferred { from_vendor_id: vendor_id(0), to_vendor_id: vendor_id(1) };
    market.plugin_event(1, moved).await;
    let shelf = showcase.at(market.log.head().await.unwrap(), PATIENCE).await.unwrap();
    assert_eq!(page(&shelf, "tool-1").await["vendor"]["slug"], "vendor-1");
    let of = |number| SearchParams { vendor: Some(vendor_id(number).uuid()), limit: 10, ..SearchParams::default() };
    assert_eq!(shelf.search(&of(0)).await.unwrap().total, 1);
    assert_eq!(shelf.search(&of(1)).await.unwrap().total, 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_words_are_found_and_the_old_ones_are_not() {
    let market = listed(1).await;
    let running = market.run(100);
    let reader = market.reader().await;
    let showcase = Showcase::start(&reader, SHOWN);
    showcase.at(market.log.head().await.unwrap(), PATIENCE).await.unwrap();
    let about = details("Gadget", Kind::Agent, "gadgets", &[], "Does something else.");
    market.plugin_event(0, plugin::Event::Described { details: Box::new(about) }).await;
    let shelf = showcase.at(market.log.head().await.unwrap(), PATIENCE).await.unwrap();
    assert_eq!(shelf.search(&asking("gadget")).await.unwrap().total, 1);
    assert_eq!(shelf.search(&asking("useful")).await.unwrap().total, 0);
    assert_eq!(page(&shelf, "tool-0").await["kind"], "agent");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_fails_no_query_and_mixes_no_generations() {
    let market = listed(30).await;
    let running = market.run(100);
    let reader = market.reader().await;
    let showcase = Arc::new(Showcase::start(&reader, SHOWN));
    let head = market.log.head().await.unwrap();
    showcase.at(head, PATIENCE).await.unwrap();
    // The generation that serves says something else of every plugin than the log does: the next one will not.
    let old = live(&market.pool).await;
    sqlx::query(AssertSqlSafe(format!("UPDATE {old}.catalogue_plugin SET summary = 'old'")))
        .execute(&market.pool)
        .await
        .unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let asking = tokio::spawn({
        let (showcase, stop) = (Arc::clone(&showcase), Arc::clone(&stop));
        async move {
            let (mut asked, mut of_new) = (0, 0);
            while !stop.load(Ordering::Relaxed) {
                let shelf = showcase.at(head, PATIENCE).await.unwrap();
                let found = shelf.search(&asking("tool")).await.unwrap();
                let pages: Vec<Value> = found.items.iter().map(|item| serde_json::from_slice(item).unwrap()).collect();
                let old = pages.iter().filter(|page| page["summary"] == "old").count();
                assert_eq!((found.total, pages.len()), (30, 30));
                assert!(old == 0 || old == 30, "{old} of 30 are of the old generation");
                (asked, of_new) = (asked + 1, of_new + usize::from(old == 0));
            }
            (asked, of_new)
        }
    });
    let options = RebuildOptions { projections: vec!["catalogue".to_owned()], ..RebuildOptions::default() };
    market.rebuild().run(options).await.unwrap();
    let new = live(&market.pool).await;
    assert_ne!(new, old);
    // The next events are written to the new generation only.
    market.install(0, 1, "1.0.0", true).await;
    let shelf = showcase.at(market.log.head().await.unwrap(), PATIENCE).await.unwrap();
    assert_eq!(page(&shelf, "tool-0").await["summary"], "Tool 0, in short");
    while showcase.status().unwrap().hits < 100 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let (asked, of_new) = asking.await.unwrap();
    assert!(of_new > 0 && asked > of_new, "{asked} {of_new}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_catalogue_outlives_the_rebuild_of_another_read_model() {
    let market = listed(5).await;
    let running = market.run(100);
    let options = ReaderOptions { max_connections: 4, grace: Duration::from_millis(10), ..ReaderOptions::default() };
    let reader = Reader::start(market.database.url.parse().unwrap(), &market.projections, options).await.unwrap();
    let showcase = Showcase::start(&reader, SHOWN);
    let shelf = showcase.at(market.log.head().await.unwrap(), PATIENCE).await.unwrap();
    let before = reader.at(&["reviews"], None, PATIENCE).await.unwrap();
    let options = RebuildOptions { projections: vec!["reviews".to_owned()], ..RebuildOptions::default() };
    market.rebuild().run(options).await.unwrap();
    // Until the connections that the shelf was filled over are gone.
    while !before.pool().is_closed() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    market.install(0, 1, "1.0.0", true).await;
    let shown = showcase.at(market.log.head().await.unwrap(), PATIENCE).await.unwrap();
    assert!(Arc::ptr_eq(&shelf, &shown), "nothing has to be filled again");
    for plugin in 0..5 {
        assert_eq!(page(&shown, &format!("tool-{plugin}")).await["installs"], i32::from(plugin == 0));
    }
    running.stop().await;
}

async fn live(pool: &PgPool) -> String {
    let sql =
        "SELECT schema_name FROM souk_ops.projection_generation WHERE projection = 'catalogue' AND state = 'live'";
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_partition_is_not_passed_over() {
    let market = listed(2).await;
    let (reader, _) = market.read().await;
    let schema = live(&market.pool).await;
    // What two partitions write, each at its own pace: a row, with the checkpoint.
    let write = async |plugin: usize, changed: i64, partition: i32, checkpoint: i64| {
        let mut tx = souk_transaction::begin(&market.pool).await.unwrap();
        let row = format!(
            "UPDATE {schema}.catalogue_rank SET installs = installs + 1, changed = GREATEST(changed, $2) WHERE plugin_id = $1"
        );
        sqlx::query(AssertSqlSafe(row)).bind(id(plugin).uuid()).bind(changed).execute(&mut *tx).await.unwrap();
        let moved = "INSERT INTO souk_ops.projection_checkpoint (projection, generation, partition, position, live) \
            SELECT projection, generation, $1, $2, true FROM souk_ops.projection_generation WHERE schema_name = $3 \
            ON CONFLICT (projection, generation, partition) DO UPDATE SET position = $2";
        sqlx::query(moved).bind(partition).bind(checkpoint).bind(&schema).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    };
    write(0, 1_000, 0, 1_000).await;
    write(1, 900, 1, 900).await;
    let showcase = Showcase::start(&reader, SHOWN);
    let installs = async |plugin: &str, at: u64| {
        let shelf = showcase.at(at, PATIENCE).await.unwrap();
        page(&shelf, plugin).await["installs"].as_i64().unwrap()
    };
    assert_eq!((installs("tool-0", 900).await, installs("tool-1", 900).await), (1, 1));
    // The first runs ahead and is seen; the second then writes far below that, to another row and to the same one.
    write(0, 2_000, 0, 2_000).await;
    write(1, 950, 1, 950).await;
    assert_eq!((installs("tool-0", 950).await, installs("tool-1", 950).await), (2, 2));
    write(0, 960, 1, 960).await;
    assert_eq!(installs("tool-0", 960).await, 3);
    let behind = showcase.at(961, Duration::from_millis(20)).await.err().unwrap();
    assert!(matches!(behind, NotShown::Behind(behind) if behind.reached == 960 && behind.wanted == 961));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_take_no_more_memory_than_they_may() {
    let market = listed(40).await;
    let (reader, guard) = market.read().await;
    let page_bytes = 8_000;
    let showcase = Showcase::start(&reader, ShowcaseOptions { page_bytes, ..SHOWN });
    let shelf = showcase.at(guard.position("catalogue").unwrap(), PATIENCE).await.unwrap();
    for number in (0..40).chain(0..40) {
        assert_eq!(page(&shelf, &format!("tool-{number}")).await["name"], format!("tool-{number}"));
    }
    // It throws out what is too much a moment later.
    while showcase.status().unwrap().page_bytes > page_bytes {
        page(&shelf, "tool-0").await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(showcase.status().unwrap().plugins, 40);
}
