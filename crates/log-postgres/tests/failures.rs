//! What goes wrong, and whom it concerns.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use souk_domain::stream::{Category, StreamId};
use souk_embedded_postgres::{Cluster, Options, testing};
use souk_log_postgres::{PostgresLog, migrate};
use souk_ports::{Appended, EventLog, Expected, Filter, LogError, NewEvent, log::MAX_EVENT_BYTES};
use sqlx::{PgPool, postgres::PgPoolOptions};
use support::{Database, put, subscribed, unlock};
use tokio::task::JoinHandle;
use uuid::Uuid;

type Outcome = JoinHandle<Result<Appended, LogError>>;

fn start(log: &Arc<PostgresLog>, stream: StreamId, expected: Expected, events: Vec<NewEvent>) -> Outcome {
    let log = Arc::clone(log);
    tokio::spawn(async move { log.append(stream, expected, events).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_fails_fails_alone() {
    let database = Database::fresh().await;
    let log = database.process().await;
    let (taken, twice) = (database.event(), database.event());
    put(&log, database.stream(), taken.clone()).await;

    // While nobody can write, what is wanted gathers into one batch.
    let holder = database.hold_lock().await;
    let earlier: Vec<_> =
        (0..2).map(|_| start(&log, database.stream(), Expected::NoStream, vec![database.event()])).collect();
    database.until_waiting(1).await;
    let shared = database.stream();
    let good: Vec<_> =
        (0..20).map(|_| start(&log, database.stream(), Expected::NoStream, vec![database.event()])).collect();
    let stolen = start(&log, database.stream(), Expected::NoStream, vec![database.event(), taken]);
    let conflicting = start(&log, database.stream(), Expected::Version(3), vec![database.event()]);
    let doubled = [
        start(&log, database.stream(), Expected::NoStream, vec![twice.clone()]),
        start(&log, database.stream(), Expected::NoStream, vec![twice]),
    ];
    let contending: Vec<_> = (0..5).map(|_| start(&log, shared, Expected::NoStream, vec![database.event()])).collect();
    let large = NewEvent { data: Bytes::from(vec![b' '; MAX_EVENT_BYTES]), ..database.event() };
    let too_large = start(&log, database.stream(), Expected::NoStream, vec![large]);
    assert!(matches!(too_large.await.unwrap(), Err(LogError::TooLarge { .. })));
    unlock(holder).await;

    for outcome in earlier.into_iter().chain(good) {
        assert!(matches!(outcome.await.unwrap(), Ok(Appended::Ok { version: 0, .. })));
    }
    assert!(matches!(stolen.await.unwrap(), Err(LogError::Refused(_))));
    assert_eq!(conflicting.await.unwrap().unwrap(), Appended::Conflict { actual: None });
    let [first, second] = doubled;
    let refused = [first.await.unwrap(), second.await.unwrap()];
    assert_eq!(refused.iter().filter(|outcome| matches!(outcome, Err(LogError::Refused(_)))).count(), 1);
    let mut won = 0;
    for outcome in contending {
        match outcome.await.unwrap().unwrap() {
            Appended::Ok { version: 0, .. } => won += 1,
            other => assert_eq!(other, Appended::Conflict { actual: Some(0) }),
        }
    }
    assert_eq!(won, 1);
    let stored = log.read_all(0, &Filter::default(), 1000).await.unwrap();
    assert_eq!(stored.len(), 1 + 2 + 20 + 1 + 1);
    assert!(stored.iter().zip(1..).all(|(event, position)| event.position == position));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_of_one_stream_in_one_batch_see_each_other() {
    let database = Database::fresh().await;
    let log = database.process().await;
    put(&log, database.stream(), database.event()).await;
    let holder = database.hold_lock().await;
    let mut outcomes = Vec::new();
    let shared = database.stream();
    for version in 0..10u64 {
        let expected = version.checked_sub(1).map_or(Expected::NoStream, Expected::Version);
        outcomes.push(start(&log, shared, expected, vec![database.event()]));
        // Each is queued before the next one.
        tokio::task::yield_now().await;
    }
    database.until_waiting(1).await;
    unlock(holder).await;
    let mut length = 0;
    for outcome in outcomes {
        match outcome.await.unwrap().unwrap() {
            Appended::Ok { .. } => length += 1,
            Appended::Conflict { actual } => assert!(actual.is_none_or(|actual| actual < 10)),
        }
    }
    let stored = log.read_stream(shared, 0, 100).await.unwrap();
    assert_eq!(stored.len(), length);
    assert!(length >= 1 && stored.iter().zip(0..).all(|(event, version)| event.version == version));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_cut_under_way_costs_no_event_and_doubles_none() {
    let database = Database::fresh().await;
    let log = database.process().await;
    let (stream, event) = (database.stream(), database.event());
    put(&log, database.stream(), database.event()).await;
    let holder = database.hold_lock().await;
    let outcome = start(&log, stream, Expected::NoStream, vec![event.clone()]);
    database.until_waiting(1).await;
    assert!(database.cut("souk log appender").await >= 1);
    unlock(holder).await;
    assert!(matches!(outcome.await.unwrap(), Ok(Appended::Ok { version: 0, .. })));
    let ids: Vec<Uuid> = log.read_stream(stream, 0, 10).await.unwrap().iter().map(|event| event.id).collect();
    assert_eq!(ids, [event.id]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_down_is_unavailable_and_comes_back() {
    let directory = testing::data_dir();
    let cluster = Cluster::start(Options::new(directory.path())).await.unwrap();
    let pool = PgPoolOptions::new().connect(cluster.url()).await.unwrap();
    migrate(&pool).await.unwrap();
    let log = Arc::new(PostgresLog::connect(pool).await.unwrap());
    let stream = |number| StreamId::new(Category::Plugin, Uuid::from_u128(number));
    let event = |number| support::event(Uuid::from_u128(number));
    put(&log, stream(1), event(1)).await;
    let subscription = tokio::spawn({
        let log = Arc::clone(&log);
        // Gives up and subscribes again, as projectors do.
        async move {
            loop {
                let mut batches = log.subscribe(1).await.unwrap();
                if let Some(Ok(batch)) = futures::StreamExt::next(&mut batches).await {
                    return batch[0].id;
                }
            }
        }
    });

    cluster.stop().await.unwrap();
    let waiting: Vec<_> = (0..50)
        .map(|number| start(&log, stream(100 + number), Expected::NoStream, vec![event(100 + number)]))
        .collect();
    for outcome in waiting {
        assert!(matches!(outcome.await.unwrap(), Err(LogError::Unavailable(_))));
    }
    assert!(matches!(log.head().await, Err(LogError::Unavailable(_))));
    assert!(matches!(log.read_stream(stream(1), 0, 1).await, Err(LogError::Unavailable(_))));

    let cluster = Cluster::start(Options::new(directory.path())).await.unwrap();
    let back = async {
        while let Err(error) = log.append(stream(2), Expected::NoStream, vec![event(2)]).await {
            assert!(matches!(error, LogError::Unavailable(_)), "{error}");
        }
    };
    tokio::time::timeout(Duration::from_secs(60), back).await.expect("the log comes back");
    let stored = log.read_all(0, &Filter::default(), 100).await.unwrap();
    assert_eq!(stored.iter().map(|event| event.id).collect::<Vec<_>>(), [event(1).id, event(2).id]);
    let heard = tokio::time::timeout(Duration::from_secs(60), subscription).await;
    assert_eq!(heard.expect("a subscriber hears").unwrap(), event(2).id);
    drop(log);
    cluster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_are_cut_for_their_size_lose_nothing() {
    let database = Database::fresh().await;
    let log = database.process().await;
    let stream = database.stream();
    let mut expected = Expected::NoStream;
    for _ in 0..80 {
        let events: Vec<_> = (0..2)
            .map(|_| NewEvent { data: Bytes::from(vec![b'x'; MAX_EVENT_BYTES - 2]), ..database.event() })
            .collect();
        match log.append(stream, expected, events).await.unwrap() {
            Appended::Ok { version, .. } => expected = Expected::Version(version),
            Appended::Conflict { actual } => panic!("{actual:?}"),
        }
    }
    let read = subscribed(&log, 0, 160).await;
    assert_eq!(read.len(), 160);
    assert!(read.iter().zip(1..).all(|(event, position)| event.position == position));
    assert!(read.iter().all(|event| event.data.len() == MAX_EVENT_BYTES - 2));

    let first = log.read_all(0, &Filter::default(), 1000).await.unwrap();
    assert!(!first.is_empty() && first.len() < 160, "40 MB in one page");
    let rest = log.read_all(first.len() as u64, &Filter::default(), 1000).await.unwrap();
    assert_eq!(first.len() + rest.len(), 160);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_is_named_with_table_column_and_row() {
    let database = Database::fresh().await;
    let log = database.process().await;
    put(&log, database.stream(), database.event()).await;
    let pool = PgPool::connect(&database.inner.url).await.unwrap();
    sqlx::raw_sql("UPDATE souk_log.event SET category = 'gizmo'").execute(&pool).await.unwrap();
    let error = log.read_all(0, &Filter::default(), 10).await.unwrap_err();
    assert!(matches!(error, LogError::Corrupt(_)));
    let text = error.to_string();
    assert!(["souk_log.event", "category", "position 1"].iter().all(|part| text.contains(part)), "{text}");
}
