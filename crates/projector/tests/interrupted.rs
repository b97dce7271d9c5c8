//! Rebuilds that are killed, interrupted and cancelled: they go on from where they were or begin anew, and the live generation
//! is as it was.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use souk_projector::{
    Milestone, ProjectorError, RebuildOptions, State, cancel, discard_abandoned, housekeeping, interrupted, poisons,
    skip, status,
};
use support::{Tally, World};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

mod support;

const EVENTS: u64 = 100;
const CHUNK: usize = 10;

fn verified() -> RebuildOptions {
    RebuildOptions { verify: true, batch: CHUNK, ..RebuildOptions::default() }
}

/// Options that stop for good, and tell, once anything is written up to `position`, or right before the swap when there is none.
fn held_at(position: Option<u64>) -> (RebuildOptions, mpsc::UnboundedReceiver<()>) {
    let (reached, told) = mpsc::unbounded_channel();
    let on_milestone = Arc::new(move |milestone| {
        let held = match milestone {
            Milestone::Written { position: written, .. } => position.is_some_and(|position| written >= position),
            Milestone::Swapping => position.is_none(),
        };
        let reached = reached.clone();
        Box::pin(async move {
            if held {
                let _ = reached.send(());
                std::future::pending::<()>().await;
            }
        }) as futures::future::BoxFuture<'static, ()>
    });
    (RebuildOptions { on_milestone, ..verified() }, told)
}

/// Runs a rebuild that is held there.
async fn begun(world: &World, options: RebuildOptions, mut told: mpsc::UnboundedReceiver<()>) -> JoinHandle<()> {
    let rebuild = world.rebuild();
    let task = tokio::spawn(async move {
        let ended = rebuild.run(options).await;
        panic!("a rebuild that is held ended: {ended:?}");
    });
    tokio::time::timeout(support::PATIENCE, told.recv()).await.unwrap().unwrap();
    task
}

/// Its task and its connections vanish.
async fn killed(world: &World, task: JoinHandle<()>) {
    task.abort();
    let _ = task.await;
    world.unlocked().await;
}

async fn building(world: &World) -> Vec<(String, i64)> {
    sqlx::query_as(
        "SELECT c.projection, c.position FROM souk_ops.projection_checkpoint c \
         JOIN souk_ops.projection_generation g USING (projection, generation) \
         WHERE g.state = 'building' ORDER BY 1",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap()
}

/// What was written first by a rebuild with `options`, by projection.
async fn first_written(world: &World, options: RebuildOptions) -> BTreeMap<String, u64> {
    let first = Arc::new(Mutex::new(BTreeMap::new()));
    let seen = Arc::clone(&first);
    let on_milestone = Arc::new(move |milestone| {
        if let Milestone::Written { projection, position } = milestone {
            seen.lock().unwrap().entry(projection).or_insert(position);
        }
        Box::pin(async {}) as futures::future::BoxFuture<'static, ()>
    });
    let outcome = world.rebuild().run(RebuildOptions { on_milestone, ..options }).await.unwrap();
    assert!(outcome.swapped && outcome.reports.iter().all(|report| report.is_equal()), "{:?}", outcome.reports);
    first.lock().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_percentage_it_goes_on_from_there() {
    for percent in [10, 50, 90] {
        let world = World::new().await;
        world.append(usize::try_from(EVENTS).unwrap(), 7).await;
        world.rebuild().run(verified()).await.unwrap();
        let (options, told) = held_at(Some(percent));
        let task = begun(&world, options, told).await;
        killed(&world, task).await;
        let left = building(&world).await;
        assert!(left.iter().any(|(_, position)| position.unsigned_abs() >= percent), "{left:?}");
        assert_eq!((world.schema("tally").await, world.counted().await), ("souk_tally_g2".to_owned(), (100, 100)));

        let more = world.append(20, 7).await;
        let first = first_written(&world, verified()).await;
        for (projection, position) in &left {
            assert!(
                first[projection] > position.unsigned_abs(),
                "{projection} did not go on from {position}: {first:?}"
            );
        }
        assert_eq!((world.schema("tally").await, world.counted().await), ("souk_tally_g3".to_owned(), (120, 120)));
        assert_eq!(world.position("count").await, more);
        housekeeping(&world.pool, Duration::ZERO).await.unwrap();
        assert_eq!(world.schemas().await, ["souk_count_g3", "souk_tally_g3"], "the disk is given back");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_the_moment_of_the_swap_nothing_is_swapped_and_the_next_one_only_finishes() {
    let world = World::new().await;
    let head = world.append(50, 5).await;
    let (options, told) = held_at(None);
    let task = begun(&world, options, told).await;
    killed(&world, task).await;
    assert_eq!((world.schema("tally").await, world.counted().await), ("souk_tally_g1".to_owned(), (50, 50)));
    assert_eq!(building(&world).await.iter().map(|(_, at)| at.unsigned_abs()).collect::<Vec<_>>(), [head, head]);
    assert!(first_written(&world, verified()).await.is_empty(), "all was written before");
    assert_eq!((world.schema("tally").await, world.counted().await), ("souk_tally_g2".to_owned(), (50, 50)));
    let running = world.run();
    let head = world.append(5, 5).await;
    world.until_at("tally", head).await;
    world.until_at("count", head).await;
    running.stop().await;
    assert_eq!(world.counted().await, (55, 55), "the new generation follows the feed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_version_began_or_was_begun_with_other_events_is_not_continued() {
    let world = World::new().await;
    world.append(100, 5).await;
    let (options, told) = held_at(Some(50));
    let task = begun(&world, options, told).await;
    killed(&world, task).await;
    // A cell that only a rebuild from the beginning has right.
    world.execute("UPDATE souk_tally_g2.tally_plugin SET events = 1000".to_owned()).await;
    world.execute("UPDATE souk_tally_g2.tally_plugin SET label = 'halfway'".to_owned()).await;
    world.execute("UPDATE souk_ops.projection_generation SET skipped = '{7}' WHERE generation = 2".to_owned()).await;
    let first = first_written(&world, verified()).await;
    assert!(first["tally"] <= CHUNK as u64, "{first:?}");
    assert_eq!(world.schema("tally").await, "souk_tally_g3");

    let (options, told) = held_at(Some(50));
    let task = begun(&world, options, told).await;
    killed(&world, task).await;
    world
        .execute("UPDATE souk_ops.projection_generation SET schema_version = 9 WHERE state = 'building'".to_owned())
        .await;
    let first = first_written(&world, verified()).await;
    assert!(first["tally"] <= CHUNK as u64, "{first:?}");
    assert_eq!((world.schema("tally").await, world.counted().await), ("souk_tally_g5".to_owned(), (100, 100)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_rebuild_that_was_served_is_found_and_a_cancelled_one_is_gone() {
    let world = World::new().await;
    world.append(100, 5).await;
    assert!(matches!(cancel(&world.pool, "tally").await, Err(ProjectorError::NotRebuilding(_))));
    let (options, mut told) = held_at(Some(50));
    let interrupt = CancellationToken::new();
    let options =
        RebuildOptions { interrupt: interrupt.clone(), served: true, projections: vec!["tally".to_owned()], ..options };
    let rebuild = world.rebuild();
    let task = tokio::spawn(async move { rebuild.run(options).await });
    told.recv().await.unwrap();
    let of = status(&world.pool, world.log.as_ref(), &world.projections).await.unwrap();
    assert_eq!((of[0].state, of[1].state), (State::Rebuilding, State::Live));
    interrupt.cancel();
    assert!(matches!(task.await.unwrap(), Err(ProjectorError::Interrupted)));
    let left = building(&world).await;
    assert!(left[0].1 >= 50, "{left:?}");
    world.execute("UPDATE souk_ops.projection_rebuild SET updated_at = now() - interval '1 minute'".to_owned()).await;
    let found = interrupted(&world.pool).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].projections.as_slice(), found[0].verify), (&["tally".to_owned()][..], true));

    cancel(&world.pool, "tally").await.unwrap();
    assert_eq!(interrupted(&world.pool).await.unwrap(), []);
    assert_eq!(world.schemas().await, ["souk_count_g1", "souk_tally_g1"], "the disk is given back");
    assert!(matches!(cancel(&world.pool, "tally").await, Err(ProjectorError::NotRebuilding(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_can_cancel_one_that_runs() {
    let world = World::new().await;
    world.append(100, 5).await;
    let (options, mut told) = held_at(Some(50));
    let rebuild = world.rebuild();
    let task = tokio::spawn(async move { rebuild.run(options).await });
    told.recv().await.unwrap();
    let again = world.rebuild().run(verified()).await;
    assert!(matches!(again, Err(ProjectorError::AlreadyRebuilding(_))), "{again:?}");
    cancel(&world.pool, "count").await.unwrap();
    assert!(matches!(task.await.unwrap(), Err(ProjectorError::Cancelled)));
    assert_eq!(world.schemas().await, ["souk_count_g1", "souk_tally_g1"]);
    assert!(world.rebuild().run(verified()).await.unwrap().swapped);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_goes_on_with_is_dropped_in_the_end() {
    let world = World::new().await;
    world.append(100, 5).await;
    let (options, told) = held_at(Some(50));
    let task = begun(&world, options, told).await;
    assert_eq!(discard_abandoned(&world.pool, Duration::ZERO).await.unwrap(), 0, "somebody works on them");
    killed(&world, task).await;
    assert_eq!(discard_abandoned(&world.pool, Duration::from_secs(3600)).await.unwrap(), 0);
    assert_eq!(discard_abandoned(&world.pool, Duration::ZERO).await.unwrap(), 2);
    assert_eq!(world.schemas().await, ["souk_count_g1", "souk_tally_g1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_difference_that_was_declared_keeps_nothing_in_place() {
    // Another version.
    let old = World::new().await;
    old.append(60, 5).await;
    let new = old.with(vec![Arc::new(Tally { version: 1, ..Tally::default() })]);
    let outcome = new.rebuild().run(verified()).await.unwrap();
    assert!(outcome.swapped && !outcome.reports[0].is_equal() && outcome.reports[0].is_expected());
    let reason = outcome.reports[0].reason.clone().unwrap();
    assert!(reason.contains("version 1") && reason.contains("version 2"), "{reason}");
    assert!(outcome.reports[0].to_string().contains("as declared"));
    let outcome = new.rebuild().run(verified()).await.unwrap();
    assert!(outcome.swapped && outcome.reports[0].is_equal() && outcome.reports[0].reason.is_none());

    // An event that the live generation took before an operator skipped it: now the tables refuse it.
    let world = World::new().await;
    world.append(10, 2).await;
    let wide = "ALTER TABLE souk_tally_g1.tally_plugin ALTER COLUMN label TYPE text";
    world.execute(wide.to_owned()).await;
    let poison = world.append_one(5, "a summary of more than twenty characters").await;
    let running = world.run();
    world.until_at("tally", poison).await;
    let error = world.rebuild().run(verified()).await.unwrap_err();
    assert!(matches!(error, ProjectorError::Poisoned { position, .. } if position == poison), "{error}");
    let met = poisons(&world.pool, Some("tally")).await.unwrap();
    assert_eq!((met.len(), met[0].position), (1, poison), "the operator can decide about it");
    let of = status(&world.pool, world.log.as_ref(), &world.projections).await.unwrap();
    assert_eq!(of[0].state, State::Live, "what a rebuild meets stops nothing");
    skip(&world.pool, "tally", poison).await.unwrap();
    let outcome = world.rebuild().run(verified()).await.unwrap();
    assert!(outcome.swapped, "{:?}", outcome.reports);
    assert_eq!(outcome.reports[0].tables[0].differing, 1);
    assert!(outcome.reports[0].reason.clone().unwrap().contains(&poison.to_string()));
    running.stop().await;
    let outcome = world.rebuild().run(verified()).await.unwrap();
    assert!(outcome.swapped && outcome.reports[0].reason.is_none() && outcome.reports[0].is_equal());

    // Declared for one event, nothing else is excused once that is in both.
    world.execute("UPDATE souk_tally_g4.tally_plugin SET events = events + 1".to_owned()).await;
    assert!(!world.rebuild().run(verified()).await.unwrap().swapped);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_log_is_rebuilt_from_and_nothing_that_comes_later_is_passed_over() {
    let mut world = World::new().await;
    world.append(100, 5).await;
    world.rebuild().run(verified()).await.unwrap();
    let (options, told) = held_at(Some(50));
    let task = begun(&world, options, told).await;
    killed(&world, task).await;

    // The backup ends before the live checkpoints and before what the interrupted rebuild had read.
    world.lose_log();
    let head = world.append(20, 3).await;
    let refused = world.rebuild().run(verified()).await.unwrap();
    assert!(!refused.swapped && refused.reports.iter().all(|report| report.not_compared.is_some()), "{refused:?}");
    let outcome = world.rebuild().run(RebuildOptions::default()).await.unwrap();
    assert!(outcome.swapped);
    assert_eq!((world.position("tally").await, world.counted().await), (head, (20, 20)));
    let running = world.run();
    let head = world.append(10, 3).await;
    world.until_at("tally", head).await;
    world.until_at("count", head).await;
    running.stop().await;
    assert_eq!(world.counted().await, (30, 30));
}
