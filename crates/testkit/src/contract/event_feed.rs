//! The contract of [`EventFeed`].

use std::sync::Arc;

use bytes::Bytes;
use souk_domain::{
    id::PluginId,
    stream::{Category, StreamId},
};
use souk_ports::{EventFeed, EventLog, Expected, FeedBatches, Filter, Metadata, NewEvent, Position, RecordedEvent};
use uuid::Uuid;

use super::{Case, event_log::put, patiently, unique};

/// What a case gets: a log to write to, and the feed of it.
pub type Subject = (Arc<dyn EventLog>, Arc<dyn EventFeed>);

/// What every feed promises.
pub const CASES: &[Case<Subject>] = &[
    ("every event comes once, in order of position within its partition", |subject| Box::pin(once(subject))),
    ("events of one plugin share a partition", |subject| Box::pin(one_partition(subject))),
    ("a subscription resumes behind any position", |subject| Box::pin(resumption(subject))),
    ("a subscription waits for what comes later", |subject| Box::pin(later(subject))),
    ("every partition gets to know how far it is complete", |subject| Box::pin(complete(subject))),
    ("some partitions are assigned, none that there is not", |subject| Box::pin(assignment(subject))),
];

/// Runs [`CASES`], each on what `make` gives. It may be the same each time, but nobody else writes to it.
///
/// # Panics
/// When a case fails.
pub async fn all(make: impl AsyncFn() -> Subject) {
    super::run("event feed", CASES, make).await;
}

fn event_of(plugin: PluginId) -> NewEvent {
    let metadata = Metadata {
        actor: souk_ports::Actor::SYSTEM,
        command_id: unique().into(),
        correlation_id: unique(),
        causation_id: unique(),
        traceparent: None,
        plugin_id: Some(plugin),
        vendor_id: None,
    };
    NewEvent {
        id: unique(),
        event_type: "review.submitted".to_owned(),
        schema_version: 1,
        data: Bytes::from_static(b"{}"),
        metadata: Bytes::from(serde_json::to_vec(&metadata).expect("metadata is JSON")),
    }
}

/// Appends `count` events that concern `plugin`, each in a stream of its own; their ids.
async fn publish(log: &Arc<dyn EventLog>, plugin: PluginId, count: usize) -> Vec<Uuid> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let event = event_of(plugin);
        ids.push(event.id);
        put(log, StreamId::new(Category::Review, unique()), Expected::NoStream, vec![event]).await;
    }
    ids
}

/// The events of one partition behind `after`, until `done` has seen enough of them.
async fn read_until(
    feed: &Arc<dyn EventFeed>,
    partition: u32,
    after: Position,
    mut done: impl FnMut(&[RecordedEvent]) -> bool,
) -> Vec<RecordedEvent> {
    let mut batches = feed.subscribe(partition, after).await.unwrap();
    let mut read = Vec::new();
    while !done(&read) {
        read.extend(next(&mut *batches).await);
    }
    assert!(read.iter().all(|event| event.position > after));
    assert!(read.windows(2).all(|pair| pair[0].position < pair[1].position), "positions must grow");
    read
}

/// The next events; batches that only move the mark are passed over.
async fn next(batches: &mut dyn FeedBatches) -> Vec<RecordedEvent> {
    loop {
        let batch = patiently("the next batch", batches.next()).await.unwrap();
        if let Some(last) = batch.events.last() {
            assert!(last.position <= batch.upto, "a batch that is complete up to a position before its last event");
            return batch.events;
        }
    }
}

/// Where the events `ids` of one plugin come, by asking every partition at once: the partition, and what it gave.
async fn partition_of(feed: &Arc<dyn EventFeed>, after: Position, ids: &[Uuid]) -> (u32, Vec<RecordedEvent>) {
    let partitions: Vec<_> = (0..feed.partitions())
        .map(|partition| {
            let holds_all = |read: &[RecordedEvent]| ids.iter().all(|id| read.iter().any(|event| event.id == *id));
            Box::pin(async move { (partition, read_until(feed, partition, after, holds_all).await) })
        })
        .collect();
    futures::future::select_all(partitions).await.0
}

async fn once((log, feed): Subject) {
    assert!(feed.partitions() >= 1);
    let before = log.head().await.unwrap();
    for _ in 0..5 {
        let ids = publish(&log, unique().into(), 20).await;
        let (_, read) = partition_of(&feed, before, &ids).await;
        for id in ids {
            assert_eq!(read.iter().filter(|event| event.id == id).count(), 1);
        }
    }
}

async fn one_partition((log, feed): Subject) {
    let before = log.head().await.unwrap();
    let plugin = unique().into();
    let ids = publish(&log, plugin, 10).await;
    let (partition, _) = partition_of(&feed, before, &ids).await;
    let more = publish(&log, plugin, 10).await;
    let (later, read) = partition_of(&feed, before, &more).await;
    assert_eq!(later, partition);
    let order: Vec<_> = read.iter().map(|event| event.id).filter(|id| ids.contains(id) || more.contains(id)).collect();
    assert_eq!(order, [ids, more].concat());
}

async fn resumption((log, feed): Subject) {
    let before = log.head().await.unwrap();
    let ids = publish(&log, unique().into(), 30).await;
    let (partition, all) = partition_of(&feed, before, &ids).await;
    for start in (0..all.len() - 1).step_by(7) {
        let rest = &all[start + 1..];
        let read = read_until(&feed, partition, all[start].position, |read| read.len() >= rest.len()).await;
        assert_eq!(&read[..rest.len()], rest);
    }
}

async fn later((log, feed): Subject) {
    let before = log.head().await.unwrap();
    let plugin = unique().into();
    let ids = publish(&log, plugin, 1).await;
    let (partition, read) = partition_of(&feed, before, &ids).await;
    let mut batches = feed.subscribe(partition, read[read.len() - 1].position).await.unwrap();
    let waiting = tokio::spawn(async move { next(&mut *batches).await });
    let ids = publish(&log, plugin, 1).await;
    assert_eq!(waiting.await.unwrap().iter().map(|event| event.id).collect::<Vec<_>>(), ids);
}

/// All events behind `after`, read from every partition at once until each is complete up to `head`, in order of position.
///
/// # Panics
/// The feed failed, is silent for too long, or hands out a batch that brings nothing new or holds what it should not.
pub async fn read_partitions(feed: &dyn EventFeed, after: Position, head: Position) -> Vec<RecordedEvent> {
    let partitions = (0..feed.partitions()).map(|partition| async move {
        let mut batches = feed.subscribe(partition, after).await.unwrap();
        let (mut upto, mut read) = (after, Vec::new());
        while upto < head {
            let batch = patiently("the next batch", batches.next()).await.unwrap();
            assert!(batch.upto > upto, "a batch without anything new");
            assert!(batch.events.iter().all(|event| event.position > upto && event.position <= batch.upto));
            upto = batch.upto;
            read.extend(batch.events);
        }
        read
    });
    let mut read = futures::future::join_all(partitions).await.concat();
    read.sort_by_key(|event| event.position);
    read
}

/// Also the partitions that none of the events belongs to.
async fn complete((log, feed): Subject) {
    let before = log.head().await.unwrap();
    publish(&log, unique().into(), 1).await;
    publish(&log, unique().into(), 7).await;
    let head = log.head().await.unwrap();
    let read = read_partitions(feed.as_ref(), before, head).await;
    assert!(read == log.read_all(before, &Filter::default(), 100).await.unwrap(), "complete, but not all came");
}

async fn assignment((_, feed): Subject) {
    let mut assigned = feed.assigned();
    let some = patiently("an assignment", assigned.wait_for(|assigned| !assigned.is_empty())).await.unwrap().clone();
    assert!(some.iter().all(|partition| *partition < feed.partitions()), "{some:?}");
}
