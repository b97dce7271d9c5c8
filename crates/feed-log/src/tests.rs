use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use bytes::Bytes;
use futures::{FutureExt, StreamExt, future::join_all, stream, stream::BoxStream};
use souk_domain::stream::{Category, StreamId};
use souk_ports::{Appended, Expected, LogError, NewEvent, Random};
use souk_testkit::{FaultyLog, MemoryLog, SeededRandom, contract};

use super::*;

/// How a probe ends the subscriptions to it.
#[derive(Clone, Copy)]
enum End {
    Error,
    Silence,
    Panic,
}

type Batches = BoxStream<'static, Result<Vec<RecordedEvent>, LogError>>;

/// Counts what is asked of a log, gives short pages, and cuts subscriptions.
struct Probe {
    inner: Arc<dyn EventLog>,
    page: usize,
    pages: AtomicUsize,
    subscriptions: AtomicUsize,
    batches: Arc<AtomicUsize>,
    /// Each running subscription has a clone.
    running: Arc<()>,
    cut: watch::Sender<End>,
}

impl Probe {
    fn new(inner: Arc<dyn EventLog>, page: usize) -> Arc<Self> {
        Arc::new(Self {
            inner,
            page,
            pages: AtomicUsize::new(0),
            subscriptions: AtomicUsize::new(0),
            batches: Arc::default(),
            running: Arc::default(),
            cut: watch::Sender::new(End::Error),
        })
    }

    fn pages(&self) -> usize {
        self.pages.load(Ordering::SeqCst)
    }

    fn subscriptions(&self) -> usize {
        self.subscriptions.load(Ordering::SeqCst)
    }

    fn running(&self) -> usize {
        Arc::strong_count(&self.running) - 1
    }
}

#[async_trait]
impl EventLog for Probe {
    async fn append(&self, stream: StreamId, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, LogError> {
        self.inner.append(stream, expected, events).await
    }

    async fn read_stream(&self, stream: StreamId, from: u64, limit: usize) -> Result<Vec<RecordedEvent>, LogError> {
        self.inner.read_stream(stream, from, limit).await
    }

    async fn read_all(&self, after: Position, filter: &Filter, limit: usize) -> Result<Vec<RecordedEvent>, LogError> {
        self.pages.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.inner.read_all(after, filter, limit.min(self.page)).await
    }

    async fn read_at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, LogError> {
        self.inner.read_at(positions).await
    }

    async fn subscribe(&self, after: Position) -> Result<Batches, LogError> {
        self.subscriptions.fetch_add(1, Ordering::SeqCst);
        let mut cut = self.cut.subscribe();
        let how = self.cut.subscribe();
        let (running, batches) = (Arc::clone(&self.running), Arc::clone(&self.batches));
        let inner = self.inner.subscribe(after).await?.inspect(move |_| {
            let _ = &running;
            batches.fetch_add(1, Ordering::SeqCst);
        });
        let end = stream::iter([()]).filter_map(move |()| {
            let how = *how.borrow();
            async move {
                match how {
                    End::Error => Some(Err(LogError::Unavailable("cut".to_owned()))),
                    End::Silence => None,
                    End::Panic => panic!("the log has a bug"),
                }
            }
        });
        Ok(Box::pin(inner.take_until(async move { cut.changed().await }).chain(end)))
    }

    async fn head(&self) -> Result<Position, LogError> {
        self.inner.head().await
    }
}

/// Appends `count` events of `bytes` bytes, one at a time.
async fn append(log: &MemoryLog, random: &SeededRandom, count: usize, bytes: usize) {
    for _ in 0..count {
        let event = NewEvent {
            id: random.uuid(),
            event_type: "plugin.described".to_owned(),
            schema_version: 1,
            data: Bytes::from(vec![b'1'; bytes]),
            metadata: Bytes::from_static(b"{}"),
        };
        log.append(StreamId::new(Category::Plugin, random.uuid()), Expected::NoStream, vec![event]).await.unwrap();
    }
}

async fn patiently<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it comes in time")
}

async fn next(batches: &mut dyn FeedBatches) -> Result<Vec<RecordedEvent>, FeedError> {
    let batch = patiently(batches.next()).await?;
    assert!(!batch.events.is_empty(), "an empty batch");
    assert_eq!(batch.events.last().map(|last| last.position), Some(batch.upto));
    Ok(batch.events)
}

/// Reads `count` events.
async fn read(batches: &mut dyn FeedBatches, count: usize) -> Vec<RecordedEvent> {
    let mut read = Vec::new();
    while read.len() < count {
        read.extend(next(batches).await.unwrap());
    }
    read
}

/// Reads up to position `last`, and subscribes again after an error.
async fn read_on(feed: &LogFeed, mut after: Position, last: Position) -> Vec<RecordedEvent> {
    let mut read = Vec::new();
    while after < last {
        let Ok(mut batches) = feed.subscribe(0, after).await else {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        while after < last {
            let Ok(batch) = next(&mut *batches).await else { break };
            read.extend(batch);
            after = read.last().unwrap().position;
        }
    }
    read
}

fn small() -> Limits {
    Limits { ring_events: 16, ring_bytes: 600, batch_events: 7, batch_bytes: 300 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_the_contract() {
    for limits in [LIMITS, small(), Limits { ring_events: 0, ..small() }] {
        contract::event_feed::all(async || {
            let log: Arc<dyn EventLog> = Arc::new(MemoryLog::default());
            (Arc::clone(&log), Arc::new(LogFeed::limited(log, limits)) as Arc<dyn EventFeed>)
        })
        .await;
    }
}

#[tokio::test]
async fn there_is_one_partition() {
    let feed = LogFeed::new(Arc::new(MemoryLog::default()));
    assert_eq!(feed.partitions(), 1);
    assert!(feed.subscribe(1, 0).await.is_err());
}

#[tokio::test]
async fn a_log_that_is_down_is_an_error_of_the_feed() {
    let log = Arc::new(FaultyLog::new(Arc::new(MemoryLog::default())));
    log.set_down(true);
    let feed = LogFeed::new(log);
    assert!(matches!(feed.subscribe(0, 0).await, Err(FeedError::Log(LogError::Unavailable(_)))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn subscribers_at_any_position_and_pace_see_the_same_events() {
    const BEFORE: usize = 100;
    const WRITERS: usize = 4;
    const EACH: usize = 250;
    let log = MemoryLog::default();
    let random = Arc::new(SeededRandom::default());
    append(&log, &random, BEFORE, 10).await;
    let feed = Arc::new(LogFeed::limited(Probe::new(Arc::new(log.clone()), 5), small()));
    let last = (BEFORE + WRITERS * EACH) as Position;
    let readers = (0..12_u64).map(|reader| {
        let feed = Arc::clone(&feed);
        tokio::spawn(async move {
            let mut after = reader * BEFORE as Position / 11;
            let mut batches = feed.subscribe(0, after).await.unwrap();
            let mut read = Vec::new();
            while after < last {
                // A subscriber that stops waiting and comes back misses nothing.
                let batch = match batches.next().now_or_never() {
                    Some(batch) => batch.map(|batch| batch.events),
                    None => next(&mut *batches).await,
                };
                read.extend(batch.unwrap());
                after = read.last().unwrap().position;
                if reader % 3 == 0 {
                    tokio::time::sleep(Duration::from_millis(reader / 3)).await;
                }
            }
            read
        })
    });
    let readers: Vec<_> = readers.collect();
    let writers = (0..WRITERS).map(|writer| {
        let (log, random) = (log.clone(), Arc::clone(&random));
        tokio::spawn(async move {
            for _ in 0..EACH {
                append(&log, &random, 1, 10 * writer).await;
                tokio::task::yield_now().await;
            }
        })
    });
    for writer in join_all(writers).await {
        writer.unwrap();
    }
    let all = log.events();
    for (reader, read) in join_all(readers).await.into_iter().enumerate() {
        let read = read.unwrap();
        assert!(read == all[reader * BEFORE / 11..], "reader {reader} saw something else");
    }
}

#[tokio::test]
async fn a_stalled_subscriber_holds_nobody_up_and_misses_nothing() {
    let log = MemoryLog::default();
    let random = SeededRandom::default();
    let probe = Probe::new(Arc::new(log.clone()), usize::MAX);
    let feed = LogFeed::limited(probe.clone(), small());
    let mut stalled = feed.subscribe(0, 0).await.unwrap();
    let mut brisk = feed.subscribe(0, 0).await.unwrap();
    append(&log, &random, 1, 10).await;
    let mut late = read(&mut *stalled, 1).await;
    read(&mut *brisk, 1).await;
    for _ in 0..50 {
        append(&log, &random, 10, 10).await;
        read(&mut *brisk, 10).await;
    }
    assert_eq!(probe.pages(), 1, "the brisk one never leaves the ring");
    late.extend(read(&mut *stalled, 500).await);
    assert!(late == log.events());
    let pages = probe.pages();
    assert!(pages > 1, "the stalled one fell out of the ring");
    append(&log, &random, 1, 10).await;
    assert_eq!(read(&mut *stalled, 1).await[0].position, 502);
    assert_eq!(probe.pages(), pages, "it is inside the ring again");
}

#[tokio::test]
async fn the_log_is_read_once_for_all() {
    let log = MemoryLog::default();
    let random = SeededRandom::default();
    append(&log, &random, 20, 10).await;
    let probe = Probe::new(Arc::new(log.clone()), usize::MAX);
    let feed = LogFeed::new(probe.clone());
    let subscribers = join_all((0..12).map(|_| feed.subscribe(0, 20))).await;
    let mut subscribers: Vec<_> = subscribers.into_iter().map(Result::unwrap).collect();
    let pages = probe.pages();
    subscribers.push(feed.subscribe(0, 20).await.unwrap());
    for _ in 0..100 {
        append(&log, &random, 1, 10).await;
        for subscriber in &mut subscribers {
            assert_eq!(read(&mut **subscriber, 1).await.len(), 1);
        }
    }
    assert_eq!(probe.pages(), pages);
    assert_eq!(probe.subscriptions(), 1);
    assert_eq!(probe.batches.load(Ordering::SeqCst), 100);
}

#[tokio::test]
async fn the_log_is_followed_only_while_somebody_subscribes() {
    let log = MemoryLog::default();
    let random = SeededRandom::default();
    let probe = Probe::new(Arc::new(log.clone()), usize::MAX);
    let feed = LogFeed::new(probe.clone());
    for round in 1..=3 {
        let head = log.head().await.unwrap();
        let (mut one, two) = (feed.subscribe(0, head).await.unwrap(), feed.subscribe(0, head).await.unwrap());
        append(&log, &random, 1, 10).await;
        assert_eq!(read(&mut *one, 1).await[0].position, head + 1);
        append(&log, &random, 1, 10).await;
        drop(two);
        read(&mut *one, 1).await;
        assert_eq!(probe.running(), 1);
        drop(one);
        patiently(async {
            while probe.running() > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        assert_eq!(probe.subscriptions(), round);
    }
}

#[tokio::test]
async fn a_subscriber_ahead_of_the_log_hides_nothing_from_the_others() {
    let log = MemoryLog::default();
    let random = SeededRandom::default();
    let feed = LogFeed::new(Arc::new(log.clone()));
    let mut ahead = feed.subscribe(0, 3).await.unwrap();
    let mut first = feed.subscribe(0, 0).await.unwrap();
    for position in 1..=10 {
        append(&log, &random, 1, 10).await;
        let read = read(&mut *first, 1).await;
        assert_eq!(read.iter().map(|event| event.position).collect::<Vec<_>>(), [position]);
    }
    assert!(first.next().now_or_never().is_none());
    assert!(read(&mut *ahead, 7).await == log.events()[3..]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tail_that_ends_is_told_and_starts_again() {
    let log = MemoryLog::default();
    let random = SeededRandom::default();
    let mut done = 0;
    for end in [End::Error, End::Silence, End::Panic] {
        let faulty = Arc::new(FaultyLog::new(Arc::new(log.clone())));
        let probe = Probe::new(faulty.clone(), 5);
        let feed = LogFeed::limited(probe.clone(), small());
        let mut subscribers = Vec::new();
        for _ in 0..5 {
            subscribers.push(feed.subscribe(0, done).await.unwrap());
        }
        append(&log, &random, 1, 10).await;
        done += 1;
        for subscriber in &mut subscribers {
            assert_eq!(read(&mut **subscriber, 1).await[0].position, done);
        }
        faulty.set_down(true);
        probe.cut.send_replace(end);
        for subscriber in &mut subscribers {
            assert!(next(&mut **subscriber).await.is_err());
        }
        // Nothing new, and no success: what comes next is the next failure.
        let mut waiting = feed.subscribe(0, done).await.unwrap();
        assert!(matches!(next(&mut *waiting).await, Err(FeedError::Log(LogError::Unavailable(_)))));
        append(&log, &random, 40, 10).await;
        let readers = join_all((0..5).map(|_| read_on(&feed, done, done + 40)));
        let (_, read) = tokio::join!(async { faulty.set_down(false) }, readers);
        for read in read {
            assert!(read == log.events()[usize::try_from(done).unwrap()..]);
        }
        done += 40;
        assert_eq!(probe.running(), 1, "one tail, whatever happened");
    }
}

#[tokio::test]
async fn a_subscriber_in_the_ring_outlives_a_failure_of_the_tail() {
    let log = MemoryLog::default();
    let random = SeededRandom::default();
    let probe = Probe::new(Arc::new(log.clone()), usize::MAX);
    let feed = LogFeed::new(probe.clone());
    let mut subscriber = feed.subscribe(0, 0).await.unwrap();
    probe.cut.send_replace(End::Error);
    patiently(async {
        while probe.subscriptions() < 2 {
            probe.cut.send_replace(End::Error);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    append(&log, &random, 1, 10).await;
    let mut again = feed.subscribe(0, 0).await.unwrap();
    assert_eq!(read(&mut *again, 1).await.len(), 1);
    // The event is there, so the failure before it is no news.
    assert_eq!(read(&mut *subscriber, 1).await.len(), 1);
    assert!(subscriber.next().now_or_never().is_none());
    assert_eq!(probe.pages(), 1);
}
