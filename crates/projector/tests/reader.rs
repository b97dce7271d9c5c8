//! Reading at a position.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use souk_projector::{ReadError, Reader, ReaderOptions};
use support::{PATIENCE, World};

mod support;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_waits_for_its_position() {
    let world = World::new().await;
    let reader = world.reader().await;
    let running = world.run();
    for _ in 0..20 {
        let position = world.append(3, 2).await;
        let guard = reader.at(&["tally", "count"], Some(position), PATIENCE).await.unwrap();
        assert!(guard.position("tally").unwrap() >= position);
        let events: i64 = sqlx::query_scalar("SELECT events FROM count_all").fetch_one(guard.pool()).await.unwrap();
        assert!(events >= i64::try_from(position).unwrap());
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_waits_in_vain_says_who_is_behind() {
    let world = World::new().await;
    let reader = world.reader().await;
    let position = world.append(1, 1).await;
    let error = reader.at(&["count", "tally"], Some(position), Duration::from_millis(30)).await.err().unwrap();
    let ReadError::Behind(behind) = error else { panic!("{error}") };
    assert_eq!((behind.projection.as_str(), behind.reached, behind.wanted), ("count", 0, position));
    assert!(reader.at(&["count"], None, Duration::ZERO).await.is_ok(), "who asks for no position does not wait");
    assert!(matches!(reader.at(&["nothing"], None, Duration::ZERO).await, Err(ReadError::Unknown(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_wait_at_once_and_are_woken_by_a_runner_of_the_same_process() {
    let world = World::new().await;
    let runner = world.runner_with(souk_projector::RunnerOptions::default());
    let options = ReaderOptions { max_connections: 2, wake: Some(runner.wake()), ..ReaderOptions::default() };
    let reader = std::sync::Arc::new(
        Reader::start(world.database.url.parse().unwrap(), &world.projections, options).await.unwrap(),
    );
    let mut waiting = Vec::new();
    for wanted in 1..=50_u64 {
        let reader = std::sync::Arc::clone(&reader);
        waiting.push(tokio::spawn(async move { reader.at(&["tally"], Some(wanted), PATIENCE).await.map(|_| ()) }));
    }
    let cancel = tokio_util::sync::CancellationToken::new();
    let task = tokio::spawn(runner.run(cancel.clone()));
    world.append(50, 5).await;
    for waited in waiting {
        assert_eq!(waited.await.unwrap(), Ok(()));
    }
    cancel.cancel();
    task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_cannot_be_written() {
    let world = World::new().await;
    let reader = world.reader().await;
    let guard = reader.at(&["count"], None, PATIENCE).await.unwrap();
    let error = sqlx::query("DELETE FROM count_all").execute(guard.pool()).await.unwrap_err();
    assert!(error.to_string().contains("read-only"), "{error}");
}
