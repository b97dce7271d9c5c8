//! Rebuilds: compared, swapped, cancelled; while others read and write.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use souk_ports::EventLog;
use souk_projector::{Phase, ProjectorError, RebuildOptions, State, housekeeping, poisons, skip, status};
use support::{PATIENCE, World, plugin_id};
use tokio_util::sync::CancellationToken;

mod support;

fn verified() -> RebuildOptions {
    RebuildOptions { verify: true, batch: 40, ..RebuildOptions::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_equals_the_live_tables_while_events_keep_coming() {
    let world = Arc::new(World::new().await);
    world.append(300, 11).await;
    let running = world.run();
    let done = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (world, done) = (Arc::clone(&world), Arc::clone(&done));
        async move {
            let mut written = 300;
            while !done.load(Ordering::SeqCst) {
                written += 5;
                world.append(5, 11).await;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            written
        }
    });
    let reader = world.reader().await;
    for generation in 2..5 {
        let outcome = world.rebuild().run(verified()).await.unwrap();
        assert!(outcome.swapped, "{:?}", outcome.reports);
        assert!(outcome.reports.iter().all(|report| report.is_equal() && report.generation == generation));
        assert_eq!(world.schema("tally").await, format!("souk_tally_g{generation}"));
    }
    done.store(true, Ordering::SeqCst);
    let written: i64 = writer.await.unwrap();
    let head = world.log.head().await.unwrap();
    let guard = reader.at(&["tally", "count"], Some(head), PATIENCE).await.unwrap();
    let seen: (i64, i64) =
        sqlx::query_as("SELECT (SELECT sum(events)::bigint FROM tally_plugin), (SELECT events FROM count_all)")
            .fetch_one(guard.pool())
            .await
            .unwrap();
    assert_eq!(seen, (written, written));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_runner_the_live_tables_are_brought_up_to_date_first() {
    let world = World::new().await;
    let head = world.append(100, 5).await;
    let outcome = world.rebuild().run(verified()).await.unwrap();
    assert!(outcome.swapped);
    assert_eq!(outcome.position, head);
    assert_eq!(outcome.reports.iter().map(|report| report.position).collect::<Vec<_>>(), [head, head]);
    assert_eq!(world.counted().await, (100, 100));
    assert_eq!(world.position("tally").await, head);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_altered_cell_is_found_and_named_and_keeps_the_live_generation() {
    let world = World::new().await;
    world.append(60, 5).await;
    world.rebuild().run(verified()).await.unwrap();
    let plugin = plugin_id(3);
    assert_eq!(
        world
            .execute(format!("UPDATE souk_tally_g2.tally_plugin SET label = 'forged' WHERE plugin_id = '{plugin}'"))
            .await,
        1
    );
    let outcome = world.rebuild().run(verified()).await.unwrap();
    assert!(!outcome.swapped);
    assert_eq!(world.schema("tally").await, "souk_tally_g2");
    let table = &outcome.reports[0].tables[0];
    assert_eq!((table.table.as_str(), table.differing, table.live_rows, table.rebuilt_rows), ("tally_plugin", 1, 5, 5));
    let difference = &table.differences[0];
    assert_eq!(difference.key, json!({ "plugin_id": plugin }));
    assert_eq!(difference.columns.len(), 1);
    assert_eq!(difference.columns[0].column, "label");
    assert_eq!((&difference.columns[0].live, &difference.columns[0].rebuilt), (&json!("forged"), &json!("a summary")));
    let text = outcome.reports[0].to_string();
    assert!(text.contains("tally_plugin") && text.contains(&plugin.to_string()) && text.contains("label"), "{text}");
    assert!(outcome.reports[1].is_equal(), "the other projection was not touched");
    assert_eq!(
        world.schemas().await.iter().filter(|schema| schema.ends_with("g3")).count(),
        0,
        "what differs is dropped"
    );

    // Without verification, a rebuild is the repair.
    let outcome = world.rebuild().run(RebuildOptions::default()).await.unwrap();
    assert!(outcome.swapped);
    assert!(!outcome.reports[0].is_equal());
    assert!(world.rebuild().run(verified()).await.unwrap().reports.iter().all(|report| report.is_equal()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_and_additional_rows_are_found() {
    let world = World::new().await;
    world.append(60, 30).await;
    world.rebuild().run(verified()).await.unwrap();
    let plugin = plugin_id(3);
    world.execute(format!("DELETE FROM souk_tally_g2.tally_plugin WHERE plugin_id = '{plugin}'")).await;
    world.execute("INSERT INTO souk_tally_g2.tally_pair VALUES (1, 'x', NULL), (1, 'y', 2)".to_owned()).await;
    let outcome = world.rebuild().run(verified()).await.unwrap();
    let [rows, pairs] = outcome.reports[0].tables.as_slice() else { panic!("two tables") };
    assert_eq!((rows.differing, rows.differences[0].missing_live), (1, true));
    assert_eq!((pairs.differing, pairs.differences[1].missing_rebuilt), (2, true));
    assert_eq!(pairs.differences[1].key, json!({ "a": 1, "b": "y" }));
    world.execute("UPDATE souk_tally_g2.tally_plugin SET events = 0".to_owned()).await;
    let outcome = world.rebuild().run(verified()).await.unwrap();
    let rows = &outcome.reports[0].tables[0];
    assert_eq!((rows.differing, rows.differences.len()), (30, 20), "all are counted, the first are shown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_skipped_event_is_skipped_by_rebuilds_and_another_is_named() {
    let world = World::new().await;
    world.append(10, 2).await;
    let poison = world.append_one(5, "a summary of more than twenty characters").await;
    world.append(10, 2).await;
    let error = world.rebuild().run(verified()).await.unwrap_err();
    let ProjectorError::Poisoned { projection, position, .. } = &error else { panic!("{error}") };
    assert_eq!((projection.as_str(), *position), ("tally", poison));
    assert_eq!(world.schemas().await, ["souk_count_g1", "souk_tally_g1"], "nothing is left behind");

    let running = world.run();
    world.until(|| async { !poisons(&world.pool, Some("tally")).await.unwrap().is_empty() }, "the poison").await;
    skip(&world.pool, "tally", poison).await.unwrap();
    world.until_at("tally", poison + 10).await;
    let outcome = world.rebuild().run(verified()).await.unwrap();
    assert!(outcome.swapped);
    running.stop().await;
    assert_eq!(world.counted().await, (20, 21));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_see_one_generation_from_start_to_end_while_generations_are_swapped() {
    let world = Arc::new(World::new().await);
    world.append(50, 5).await;
    let running = world.run();
    let reader = Arc::new(world.reader().await);
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = Vec::new();
    for _ in 0..3 {
        let (reader, done) = (Arc::clone(&reader), Arc::clone(&done));
        readers.push(tokio::spawn(async move {
            let mut seen = std::collections::BTreeSet::new();
            while !done.load(Ordering::SeqCst) {
                let guard = reader.at(&["tally"], None, PATIENCE).await.unwrap();
                let of = || sqlx::query_scalar::<_, String>("SELECT 'tally_plugin'::regclass::oid::text");
                let first = of().fetch_one(guard.pool()).await.unwrap();
                tokio::time::sleep(Duration::from_millis(3)).await;
                assert_eq!(first, of().fetch_one(guard.pool()).await.unwrap());
                seen.insert(first);
            }
            seen.len()
        }));
    }
    for _ in 0..4 {
        world.rebuild().run(verified()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(400)).await;
        housekeeping(&world.pool, Duration::from_secs(2)).await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    for reader in readers {
        assert!(reader.await.unwrap() > 1, "no swap was noticed");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replaced_generations_are_dropped_after_the_grace_period() {
    let world = World::new().await;
    world.append(10, 2).await;
    world.rebuild().run(verified()).await.unwrap();
    assert_eq!(housekeeping(&world.pool, Duration::from_secs(3600)).await.unwrap(), 0);
    assert_eq!(world.schemas().await.len(), 4);
    assert_eq!(housekeeping(&world.pool, Duration::ZERO).await.unwrap(), 2);
    assert_eq!(world.schemas().await, ["souk_count_g2", "souk_tally_g2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_or_killed_rebuild_leaves_the_live_generation_and_no_tables() {
    let world = World::new().await;
    world.append(100, 5).await;
    let cancel = CancellationToken::new();
    let on_progress = {
        let cancel = cancel.clone();
        Arc::new(move |progress: souk_projector::RebuildProgress| {
            if progress.phase == Phase::Comparing {
                cancel.cancel();
            }
        })
    };
    let options = RebuildOptions { cancel, on_progress, ..RebuildOptions::default() };
    assert!(matches!(world.rebuild().run(options).await, Err(ProjectorError::Cancelled)));
    assert_eq!(world.schemas().await, ["souk_count_g1", "souk_tally_g1"]);

    // Killed: the task and its connections vanish.
    let rebuild = world.rebuild();
    let killed =
        tokio::time::timeout(Duration::from_millis(60), rebuild.run(RebuildOptions { batch: 1, ..verified() })).await;
    drop(killed);
    world.unlocked().await;
    let outcome = world.rebuild().run(verified()).await.unwrap();
    assert!(outcome.swapped);
    housekeeping(&world.pool, Duration::ZERO).await.unwrap();
    assert_eq!(world.schemas().await.len(), 2);
    assert_eq!(world.counted().await, (100, 100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projection_is_rebuilt_once_at_a_time_and_by_its_name() {
    let world = World::new().await;
    world.append(10, 2).await;
    let unknown = RebuildOptions { projections: vec!["nothing".to_owned()], ..verified() };
    assert!(matches!(world.rebuild().run(unknown).await, Err(ProjectorError::UnknownProjection(_))));

    let mut other = world.pool.acquire().await.unwrap();
    sqlx::query("SELECT pg_advisory_lock(hashtext('souk rebuild tally'))").execute(&mut *other).await.unwrap();
    assert!(matches!(world.rebuild().run(verified()).await, Err(ProjectorError::AlreadyRebuilding(_))));
    let count = RebuildOptions { projections: vec!["count".to_owned()], ..verified() };
    assert!(world.rebuild().run(count).await.unwrap().swapped);
    assert_eq!(
        (world.schema("tally").await, world.schema("count").await),
        ("souk_tally_g1".to_owned(), "souk_count_g2".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_is_told_and_can_be_asked_for() {
    let world = Arc::new(World::new().await);
    let head = world.append(100, 5).await;
    let phases = Arc::new(std::sync::Mutex::new(Vec::new()));
    let on_progress = {
        let phases = Arc::clone(&phases);
        Arc::new(move |progress: souk_projector::RebuildProgress| {
            let mut phases = phases.lock().unwrap();
            if phases.last() != Some(&(progress.phase, progress.read)) {
                phases.push((progress.phase, progress.read));
            }
        })
    };
    world.rebuild().run(RebuildOptions { on_progress, ..verified() }).await.unwrap();
    let told = phases.lock().unwrap().clone();
    assert!(told.contains(&(Phase::Comparing, head)) && told.last() == Some(&(Phase::Done, head)), "{told:?}");

    world.execute("INSERT INTO souk_ops.projection_rebuild (projections, phase, read, head) VALUES ('{tally}', 'loading', 50, 100)".to_owned()).await;
    let of = status(&world.pool, world.log.as_ref(), &world.projections).await.unwrap();
    assert_eq!((of[0].state, of[1].state), (State::Rebuilding, State::Live));
    let progress = of[0].progress.as_ref().unwrap();
    assert_eq!((progress.phase.as_str(), progress.read, progress.head), ("loading", 50, 100));
}
