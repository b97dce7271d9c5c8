//! A feed of several partitions: the live generation stands at another position in each, and rebuilds compare all the same.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};
use souk_ports::{
    EventFeed, EventLog, FeedBatch, FeedError, LogError, Position, RecordedEvent, feed::FeedBatches, partition_of,
};
use souk_projector::{RebuildOptions, Runner, RunnerOptions};
use souk_testkit::MemoryLog;
use support::World;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

mod support;

const PARTITIONS: u32 = 3;

/// The log, dealt out to partitions as Kafka would.
struct Dealt(Arc<MemoryLog>);

#[async_trait]
impl EventFeed for Dealt {
    fn partitions(&self) -> u32 {
        PARTITIONS
    }

    fn assigned(&self) -> watch::Receiver<BTreeSet<u32>> {
        watch::Sender::new((0..PARTITIONS).collect()).subscribe()
    }

    async fn subscribe(&self, partition: u32, after: Position) -> Result<Box<dyn FeedBatches>, FeedError> {
        Ok(Box::new(Of { partition, batches: self.0.subscribe(after).await? }))
    }
}

struct Of {
    partition: u32,
    batches: BoxStream<'static, Result<Vec<RecordedEvent>, LogError>>,
}

#[async_trait]
impl FeedBatches for Of {
    async fn next(&mut self) -> Result<FeedBatch, FeedError> {
        loop {
            let Some(batch) = self.batches.next().await else {
                return Err(FeedError::Unavailable("it ended".to_owned()));
            };
            let mut batch = batch?;
            batch.retain(|event| partition_of(event, PARTITIONS) == self.partition);
            // What is of other partitions is not told, as by a feed whose partitions are read apart.
            if let Some(batch) = FeedBatch::of(batch) {
                return Ok(batch);
            }
        }
    }
}

fn verified() -> RebuildOptions {
    RebuildOptions { verify: true, batch: 20, ..RebuildOptions::default() }
}

async fn positions(world: &World, live: bool) -> Vec<i64> {
    sqlx::query_scalar(
        "SELECT position FROM souk_ops.projection_checkpoint \
         WHERE projection = 'tally' AND live = $1 AND generation = (SELECT max(generation) FROM souk_ops.projection_checkpoint \
         WHERE projection = 'tally' AND live = $1) ORDER BY partition",
    )
    .bind(live)
    .fetch_all(&world.pool)
    .await
    .unwrap()
}

/// Runs a runner over the partitions until `future` is over.
async fn while_running<T>(world: &World, future: impl Future<Output = T>) -> T {
    let options = RunnerOptions { max_batch: 7, look: Duration::from_millis(20), ..RunnerOptions::default() };
    let feed = Arc::new(Dealt(Arc::clone(&world.log)));
    let runner = Runner::new(world.pool.clone(), feed, world.log.clone(), world.projections.clone(), options);
    let cancel = CancellationToken::new();
    let task = tokio::spawn(runner.run(cancel.clone()));
    let result = future.await;
    cancel.cancel();
    task.await.unwrap();
    result
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_that_stand_apart_are_compared_and_swapped() {
    let world = World::partitioned(PARTITIONS).await;
    let head = world.append(200, 17).await;
    while_running(&world, world.until(|| async { world.counted().await.0 == 200 }, "the first events")).await;
    let apart: BTreeSet<i64> = positions(&world, true).await.into_iter().collect();
    assert!(apart.len() > 1, "the test needs partitions that stand apart: {apart:?}");

    // Nobody runs: the rebuild brings the live generation along.
    let outcome = world.rebuild().run(verified()).await.unwrap();
    assert!(outcome.swapped && outcome.reports.iter().all(|report| report.is_equal()), "{:?}", outcome.reports);
    assert_eq!(positions(&world, true).await, vec![head.cast_signed(); 3]);

    // While a runner follows and events keep coming.
    while_running(&world, async {
        for round in 0..4 {
            let writing = async {
                for _ in 0..20 {
                    world.append(3, 17).await;
                    tokio::time::sleep(Duration::from_millis(3)).await;
                }
            };
            let (outcome, ()) = tokio::join!(async { world.rebuild().run(verified()).await.unwrap() }, writing);
            assert!(outcome.swapped, "round {round}: {:?}", outcome.reports);
        }
        world.until(|| async { world.counted().await == (440, 440) }, "every event once").await;
    })
    .await;

    // A cell that is wrong in one partition is still found.
    let schema = world.schema("tally").await;
    world
        .execute(format!(
            "UPDATE {schema}.tally_plugin SET events = events + 1 WHERE plugin_id = '{}'",
            support::plugin_id(4)
        ))
        .await;
    let outcome = world.rebuild().run(verified()).await.unwrap();
    assert!(!outcome.swapped);
    assert_eq!(outcome.reports[0].tables[0].differing, 1);
}
