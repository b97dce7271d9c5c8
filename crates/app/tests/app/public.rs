//! Following public events.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use futures::stream::BoxStream;
use souk_app::public::{Mapper, PublicFeed, Subscription};
use souk_domain::stream::StreamId;
use souk_ports::{Appended, EventLog, Expected, Filter, LogError, NewEvent, Position, RecordedEvent};
use souk_testkit::{MemoryLog, PlainVault};

use crate::support::World;

/// A log that knows how often it was followed and read.
struct Counting {
    log: MemoryLog,
    followed: AtomicUsize,
    read: AtomicUsize,
}

#[async_trait]
impl EventLog for Counting {
    async fn append(&self, stream: StreamId, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, LogError> {
        self.log.append(stream, expected, events).await
    }

    async fn read_stream(&self, stream: StreamId, from: u64, limit: usize) -> Result<Vec<RecordedEvent>, LogError> {
        self.log.read_stream(stream, from, limit).await
    }

    async fn read_all(&self, after: Position, filter: &Filter, limit: usize) -> Result<Vec<RecordedEvent>, LogError> {
        self.read.fetch_add(1, Ordering::SeqCst);
        self.log.read_all(after, filter, limit).await
    }

    async fn read_at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, LogError> {
        self.log.read_at(positions).await
    }

    async fn subscribe(
        &self,
        after: Position,
    ) -> Result<BoxStream<'static, Result<Vec<RecordedEvent>, LogError>>, LogError> {
        self.followed.fetch_add(1, Ordering::SeqCst);
        self.log.subscribe(after).await
    }

    async fn head(&self) -> Result<Position, LogError> {
        self.log.head().await
    }
}

/// Positions of the next `count` events.
async fn take(mut events: Subscription, count: usize) -> Vec<Position> {
    let mut taken = Vec::new();
    while taken.len() < count {
        taken.extend(events.next().await.unwrap().events.iter().map(|event| event.position));
    }
    taken
}

#[tokio::test]
async fn however_many_follow_the_end_of_the_log_is_read_once() {
    let world = World::new();
    let app = world.app();
    world.vendor(&app, "before").await;
    let log =
        Arc::new(Counting { log: world.memory.clone(), followed: AtomicUsize::new(0), read: AtomicUsize::new(0) });
    let feed = Arc::new(PublicFeed::new(log.clone(), Mapper::new(&PlainVault::default(), None)));
    let head = feed.head().await.unwrap();
    let following: Vec<_> = (0..500).map(|_| tokio::spawn(take(feed.subscribe(head), 40))).collect();
    tokio::task::yield_now().await;
    for n in 0..20 {
        world.vendor(&app, &format!("vendor-{n}")).await;
    }
    let told: Vec<Position> = world
        .memory
        .events()
        .iter()
        .filter(|event| {
            event.position > head && matches!(event.event_type.as_str(), "vendor.registered" | "vendor.verified")
        })
        .map(|event| event.position)
        .collect();
    assert_eq!(told.len(), 40);
    for taken in following {
        assert_eq!(taken.await.unwrap(), told);
    }
    assert_eq!(log.followed.load(Ordering::SeqCst), 1, "one subscription for all");
    // Whoever comes later is told all of it again, and then what comes.
    let late = tokio::spawn(take(feed.subscribe(0), 44));
    world.vendor(&app, "after").await;
    assert_eq!(late.await.unwrap().len(), 44);
    assert!(log.followed.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn those_who_are_behind_share_what_is_read() {
    let world = World::new();
    let app = world.app();
    for n in 0..120 {
        world.vendor(&app, &format!("vendor-{n}")).await;
    }
    let log =
        Arc::new(Counting { log: world.memory.clone(), followed: AtomicUsize::new(0), read: AtomicUsize::new(0) });
    let feed = Arc::new(PublicFeed::new(log.clone(), Mapper::new(&PlainVault::default(), None)));
    let following: Vec<_> = (0..100).map(|_| tokio::spawn(take(feed.subscribe(0), 240))).collect();
    let first = take(feed.subscribe(0), 240).await;
    for taken in following {
        assert_eq!(taken.await.unwrap(), first);
    }
    let pages = world.memory.events().len().div_ceil(500);
    assert!(log.read.load(Ordering::SeqCst) <= pages, "{:?} reads of {pages} pages", log.read);
    // Who stands in the middle of a page gets what is behind him.
    assert_eq!(take(feed.subscribe(first[100]), 139).await, first[101..]);
}
