//! Several Souk processes on one database.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use souk_log_postgres::{PostgresLog, migrate};
use souk_ports::{Appended, EventLog, Expected, Filter, LogError};
use sqlx::{Connection, PgPool};
use support::{Database, append_by_hand, put, subscribed};
use uuid::Uuid;

const WRITERS: usize = 8;
const APPENDS: usize = 50;

/// Appends to streams of its own and to one that all share, always from a version it believes in.
async fn write(log: Arc<PostgresLog>, shared: souk_domain::stream::StreamId, seed: u128) -> Vec<Uuid> {
    let mut written = Vec::new();
    let mut expected = Expected::NoStream;
    for index in 0..APPENDS as u128 {
        let own = souk_domain::stream::StreamId::new(shared.category, Uuid::from_u128(seed << 64 | index));
        let event = support::event(Uuid::from_u128(seed << 64 | 1 << 32 | index));
        written.push(event.id);
        put(&log, own, event).await;

        let event = support::event(Uuid::from_u128(seed << 64 | 2 << 32 | index));
        written.push(event.id);
        loop {
            match log.append(shared, expected, vec![event.clone()]).await.unwrap() {
                Appended::Ok { version, .. } => {
                    expected = Expected::Version(version);
                    break;
                }
                Appended::Conflict { actual } => expected = actual.map_or(Expected::NoStream, Expected::Version),
            }
        }
    }
    written
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_are_committed_in_order_without_gaps() {
    let database = Database::fresh().await;
    let logs = [database.process().await, database.process().await, database.process().await];
    let reader = database.process().await;
    let shared = database.stream();
    let done = Arc::new(AtomicBool::new(false));

    let watching = tokio::spawn({
        let (done, reader) = (Arc::clone(&done), Arc::clone(&reader));
        async move {
            let mut seen = 0;
            loop {
                let last = done.load(Ordering::SeqCst);
                let page = reader.read_all(seen, &Filter::default(), 1000).await.unwrap();
                for event in &page {
                    assert_eq!(event.position, seen + 1, "a reader saw a position before an earlier one");
                    seen = event.position;
                }
                if last && page.is_empty() {
                    return seen;
                }
                tokio::task::yield_now().await;
            }
        }
    });
    let writers = (0..WRITERS).map(|writer| {
        let log = Arc::clone(&logs[writer % logs.len()]);
        tokio::spawn(write(log, shared, writer as u128 + 1))
    });
    let mut written: Vec<Uuid> = join_all(writers).await.into_iter().flat_map(Result::unwrap).collect();
    done.store(true, Ordering::SeqCst);

    assert_eq!(watching.await.unwrap(), written.len() as u64);
    let stored = reader.read_all(0, &Filter::default(), usize::MAX).await.unwrap();
    let mut ids: Vec<Uuid> = stored.iter().map(|event| event.id).collect();
    ids.sort_unstable();
    written.sort_unstable();
    assert_eq!(ids, written);
    assert!(stored.windows(2).all(|pair| pair[0].recorded_at <= pair[1].recorded_at));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_commits_late_holds_the_later_ones_back() {
    let database = Database::fresh().await;
    let log = database.process().await;
    let (late, next) = (database.event(), database.event());

    let mut slow = database.connection().await;
    let mut transaction = slow.begin().await.unwrap();
    append_by_hand(&mut transaction, database.stream(), late.id).await.unwrap();
    let overtaking = tokio::spawn({
        let (log, stream, next) = (Arc::clone(&log), database.stream(), next.clone());
        async move { put(&log, stream, next).await }
    });
    database.until_waiting(1).await;
    assert_eq!(log.head().await.unwrap(), 0);
    assert!(log.read_all(0, &Filter::default(), 10).await.unwrap().is_empty());

    transaction.commit().await.unwrap();
    assert_eq!(overtaking.await.unwrap(), 2);
    let seen: Vec<Uuid> = subscribed(&log, 0, 2).await.iter().map(|event| event.id).collect();
    assert_eq!(seen, [late.id, next.id]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_rolls_back_leaves_no_gap() {
    let database = Database::fresh().await;
    let log = database.process().await;
    let mut other = database.connection().await;
    let mut transaction = other.begin().await.unwrap();
    append_by_hand(&mut transaction, database.stream(), database.event().id).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(put(&log, database.stream(), database.event()).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_hears_of_other_processes_also_without_notifications() {
    let database = Database::fresh().await;
    let (writer, reader) = (database.process().await, database.process().await);
    let first = put(&writer, database.stream(), database.event()).await;
    assert_eq!(subscribed(&reader, 0, 1).await[0].position, first);

    // Once cut, the listeners need a while to come back; the event is found by asking.
    let waiting = tokio::spawn(async move { subscribed(&reader, first, 1).await[0].position });
    database.cut("souk log listener").await;
    let second = put(&writer, database.stream(), database.event()).await;
    assert_eq!(waiting.await.unwrap(), second);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_process_knows_of_a_stream_does_not_hide_what_another_wrote() {
    let database = Database::fresh().await;
    let (here, elsewhere) = (database.process().await, database.process().await);
    let (shared, mut last) = (database.stream(), None);
    for log in [&here, &here, &elsewhere] {
        let expected = last.map_or(Expected::NoStream, Expected::Version);
        let Ok(Appended::Ok { version, .. }) = log.append(shared, expected, vec![database.event()]).await else {
            panic!("nobody competes")
        };
        last = Some(version);
    }
    // Both are sure of the versions that they wrote themselves, and one of them is wrong about the last one.
    for expected in [Expected::Version(1), Expected::Version(0), Expected::NoStream, Expected::Version(7)] {
        for log in [&here, &elsewhere] {
            let outcome = log.append(shared, expected, vec![database.event()]).await.unwrap();
            assert_eq!(outcome, Appended::Conflict { actual: Some(2) }, "{expected:?}");
        }
    }
    let outcome = here.append(shared, Expected::Version(2), vec![database.event()]).await.unwrap();
    assert_eq!(outcome, Appended::Ok { version: 3, position: 4 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_functions_refuse_snapshots_that_are_older_than_the_lock() {
    let database = Database::fresh().await;
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        let mut connection = database.connection().await;
        let mut transaction = connection.begin().await.unwrap();
        let set = sqlx::AssertSqlSafe(format!("SET TRANSACTION ISOLATION LEVEL {level}"));
        sqlx::query(set).execute(&mut *transaction).await.unwrap();
        let mut inner = transaction.begin().await.unwrap();
        let refused = append_by_hand(&mut inner, database.stream(), database.event().id).await;
        assert!(refused.unwrap_err().to_string().contains("READ COMMITTED"), "{level}");
        inner.rollback().await.unwrap();
        let nothing = "SELECT souk_log.append_apart('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')";
        let refused = sqlx::query(nothing).execute(&mut *transaction).await;
        assert!(refused.unwrap_err().to_string().contains("READ COMMITTED"), "{level}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrating_again_and_at_once_changes_nothing() {
    let database = Database::fresh().await;
    let log = database.process().await;
    put(&log, database.stream(), database.event()).await;
    let pool = PgPool::connect(&database.inner.url).await.unwrap();
    for outcome in join_all((0..4).map(|_| migrate(&pool))).await {
        outcome.unwrap();
    }
    assert_eq!(put(&log, database.stream(), database.event()).await, 2);
}

#[tokio::test]
async fn a_database_that_was_not_migrated_is_refused() {
    let database = souk_embedded_postgres::testing::database().await;
    let pool = PgPool::connect(&database.url).await.unwrap();
    let outcome = tokio::time::timeout(Duration::from_secs(60), PostgresLog::connect(pool)).await.unwrap();
    assert!(matches!(outcome.err(), Some(LogError::Refused(_))));
}
