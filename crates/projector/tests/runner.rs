//! The runner: every event once, whatever happens.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use souk_domain::stream::{Category, StreamId};
use souk_ports::EventLog;
use souk_projector::{ProjectorError, RunnerOptions, State, migrate, poisons, retry, skip, status};
use support::{Count, Tally, World, plugin_id};

mod support;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_counted_once_though_flushes_fail_and_two_runners_compete() {
    let failing_flushes = Arc::new(AtomicUsize::new(7));
    let tally = Tally { failing_flushes: Arc::clone(&failing_flushes), ..Tally::default() };
    let world = World::of(vec![Arc::new(tally), Arc::new(Count)]).await;
    world.append(120, 7).await;
    let options = RunnerOptions {
        max_batch: 9,
        look: Duration::from_millis(5),
        max_backoff: Duration::from_millis(20),
        ..RunnerOptions::default()
    };
    let (first, second) = (world.run_with(options.clone()), world.run_with(options));
    let head = world.append(200, 7).await;
    world.until_at("tally", head).await;
    world.until_at("count", head).await;
    assert_eq!(world.counted().await, (320, 320));
    assert_eq!(failing_flushes.load(Ordering::SeqCst), 0, "no flush failed, so nothing was tested");
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runner_continues_where_another_stopped() {
    let world = World::new().await;
    let first = world.append(30, 3).await;
    let running = world.run();
    world.until_at("tally", first).await;
    running.stop().await;
    let second = world.append(30, 3).await;
    let running = world.run();
    world.until_at("tally", second).await;
    world.until_at("count", second).await;
    running.stop().await;
    assert_eq!(world.counted().await, (60, 60));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_writes_of_several_projections_are_one_statement() {
    let world = World::new().await;
    let running = world.run();
    // One that was refused would have ended its session or be no last statement: the followers would have written one by one.
    let last = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND query LIKE 'SELECT places, CASE WHEN % END, CASE WHEN % END FROM %'";
    let mut appended = 0;
    loop {
        let position = world.append(1, 3).await;
        appended += 1;
        world.until_at("tally", position).await;
        world.until_at("count", position).await;
        let sessions: i64 = sqlx::query_scalar(last).fetch_one(&world.pool).await.unwrap();
        if sessions == 1 {
            break;
        }
        assert!(appended < 100, "what two projections say was never one statement: {sessions}");
    }
    running.stop().await;
    assert_eq!(world.counted().await, (appended, appended));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_the_tables_refuse_stops_only_its_projection_until_it_is_skipped() {
    let world = World::new().await;
    world.append(10, 2).await;
    let poison = world.append_one(5, "a summary of more than twenty characters").await;
    let head = world.append(10, 2).await;
    let running = world.run();
    world.until_at("count", head).await;
    world.until(|| async { !poisons(&world.pool, Some("tally")).await.unwrap().is_empty() }, "the poison").await;
    assert_eq!(world.position("tally").await, poison - 1, "all before the event is written");
    let found = poisons(&world.pool, None).await.unwrap();
    assert_eq!((found.len(), found[0].position, found[0].decision.as_deref()), (1, poison, None));
    assert_eq!(found[0].event_type, "plugin.created");
    assert!(found[0].error.contains("too long"), "{}", found[0].error);
    let of = status(&world.pool, world.log.as_ref(), &world.projections).await.unwrap();
    assert_eq!((of[0].state, of[0].lag), (State::Stopped, head - poison + 1));
    assert_eq!(of[0].stopped_by.as_ref().map(|poison| poison.position), Some(poison));
    assert_eq!((of[1].state, of[1].lag), (State::Live, 0));

    // Tried again, it is refused again; nothing was counted twice.
    retry(&world.pool, "tally", poison).await.unwrap();
    world
        .until(
            || async { poisons(&world.pool, Some("tally")).await.unwrap()[0].decision.is_none() },
            "the poison to be found again",
        )
        .await;
    skip(&world.pool, "tally", poison).await.unwrap();
    world.until_at("tally", head).await;
    running.stop().await;
    assert_eq!(world.counted().await, (20, 21));
    assert!(skip(&world.pool, "tally", 1).await.is_err(), "nothing stops it there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_cannot_be_read_or_folded_stops_its_projection() {
    for kind in ["unreadable", "unknown type", "panic"] {
        let world = World::new().await;
        world.append(3, 1).await;
        let stream = StreamId::of(Category::Plugin, plugin_id(0));
        let poison = match kind {
            "unreadable" => world.append_raw(stream, 3, "plugin.described", 1, b"{\"summary\":".to_vec()).await,
            "unknown type" => world.append_raw(stream, 3, "plugin.polished", 1, b"{}".to_vec()).await,
            _ => world.append_one(0, "panic").await,
        };
        let running = world.run();
        world.until(|| async { !poisons(&world.pool, Some("tally")).await.unwrap().is_empty() }, kind).await;
        let found = poisons(&world.pool, Some("tally")).await.unwrap();
        assert_eq!(found[0].position, poison, "{kind}");
        assert_eq!(world.position("tally").await, poison - 1, "{kind}");
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retried_event_that_is_taken_is_forgotten() {
    let world = World::new().await;
    let poison = world.append_one(5, "a summary of more than twenty characters").await;
    let running = world.run();
    world.until(|| async { !poisons(&world.pool, Some("tally")).await.unwrap().is_empty() }, "the poison").await;
    let schema = world.schema("tally").await;
    world.execute(format!("ALTER TABLE {schema}.tally_plugin ALTER COLUMN label TYPE varchar(200)")).await;
    retry(&world.pool, "tally", poison).await.unwrap();
    world.until_at("tally", poison).await;
    world.until_at("count", poison).await;
    world.until(|| async { poisons(&world.pool, None).await.unwrap().is_empty() }, "the poison to be forgotten").await;
    running.stop().await;
    assert_eq!(world.counted().await, (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runner_survives_the_loss_of_all_its_connections() {
    let world = World::new().await;
    let running = world.run_with(RunnerOptions {
        max_batch: 5,
        look: Duration::from_millis(10),
        max_backoff: Duration::from_millis(50),
        ..RunnerOptions::default()
    });
    let mut head = 0;
    for _ in 0..8 {
        head = world.append(20, 4).await;
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        let _ = sqlx::query(cut).execute(&world.pool).await;
    }
    world.until(|| async { world.pool.acquire().await.is_ok() }, "a connection").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    world.until_at("tally", head).await;
    world.until_at("count", head).await;
    running.stop().await;
    assert_eq!(world.counted().await, (160, 160));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generation_of_another_version_is_not_written() {
    let mut world = World::new().await;
    world.projections[0] = Arc::new(Tally { version: 1, ..Tally::default() });
    let head = world.append(5, 1).await;
    let running = world.run();
    world.until_at("count", head).await;
    let of = status(&world.pool, world.log.as_ref(), &world.projections).await.unwrap();
    assert_eq!((of[0].state, of[0].position), (State::Outdated, 0));
    let outcome = world.rebuild().run(souk_projector::RebuildOptions::default()).await.unwrap();
    assert!(outcome.swapped);
    assert!(outcome.reports[0].not_compared.is_some());
    let later = world.append(5, 1).await;
    world.until_at("tally", later).await;
    world.until_at("count", later).await;
    running.stop().await;
    assert_eq!(world.counted().await, (10, 10));
    assert_eq!(world.log.head().await.unwrap(), later);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_log_stops_who_was_ahead_of_it_until_a_rebuild() {
    let mut world = World::new().await;
    let head = world.append(20, 3).await;
    let running = world.run();
    world.until_at("tally", head).await;
    world.until_at("count", head).await;
    running.stop().await;

    // The backup ends before the checkpoint.
    world.lose_log();
    world.append(10, 3).await;
    let running = world.run();
    let trouble = world.until_trouble("tally").await;
    assert!(
        trouble.starts_with("checkpoint_ahead: the checkpoint is at position 20, but the log ends at 10"),
        "{trouble}"
    );
    running.stop().await;

    // The log has grown beyond it since, and has another event where the last one was.
    world.append(1, 1).await;
    world.append(20, 4).await;
    let head = world.append_one(7, "the last").await;
    let running = world.run();
    world
        .until(
            || async { world.trouble("tally").await.is_some_and(|why| why.starts_with("other_log: ")) },
            "the trouble",
        )
        .await;
    assert_eq!(world.position("tally").await, 20, "nothing is written meanwhile");
    assert_eq!(world.counted().await, (20, 20));

    let outcome = world.rebuild().run(souk_projector::RebuildOptions::default()).await.unwrap();
    assert!(outcome.swapped);
    let head = head.max(world.append(5, 2).await);
    world.until_at("tally", head).await;
    world.until_at("count", head).await;
    running.stop().await;
    assert_eq!(world.trouble("tally").await, None);
    assert_eq!(world.counted().await, (37, 37));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoints_of_another_number_of_partitions_are_converted_where_that_is_exact_and_refused_elsewhere() {
    let world = World::new().await;
    let head = world.append(12, 3).await;
    let running = world.run();
    world.until_at("tally", head).await;
    world.until_at("count", head).await;
    migrate(&world.pool, &world.projections, 3).await.unwrap();
    world.append(1, 1).await;
    let trouble = world.until_trouble("tally").await;
    assert!(trouble.starts_with("wrong_partition_count: the read model was written from 3 partitions"), "{trouble}");
    running.stop().await;

    let positions = "SELECT array_agg(position ORDER BY partition) FROM souk_ops.projection_checkpoint \
                     WHERE projection = 'tally' AND live";
    let found: Vec<i64> = sqlx::query_scalar(positions).fetch_one(&world.pool).await.unwrap();
    assert_eq!(found, [12, 12, 12]);
    world.execute("UPDATE souk_ops.projection_checkpoint SET position = 13 WHERE partition = 1".to_owned()).await;
    let refused = migrate(&world.pool, &world.projections, 1).await.unwrap_err();
    assert!(matches!(refused, ProjectorError::WrongPartitions { known: 3, given: 1, .. }), "{refused}");
    world.execute("UPDATE souk_ops.projection_checkpoint SET position = 12".to_owned()).await;
    migrate(&world.pool, &world.projections, 1).await.unwrap();
    let running = world.run();
    world.until_at("tally", 13).await;
    world.until_at("count", 13).await;
    running.stop().await;
    assert_eq!(world.counted().await, (13, 13));
}
