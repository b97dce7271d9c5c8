//! Streams that many read at once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use futures::future::join_all;
use souk_domain::stream::StreamId;
use souk_ports::{EventLog, Expected, LogError};
use support::Database;

/// More than are read together, so that some wait for others.
const STREAMS: usize = 300;

async fn filled(database: &Database, log: &dyn EventLog) -> Vec<StreamId> {
    let streams: Vec<_> = (0..STREAMS).map(|_| database.stream()).collect();
    let appended = join_all(streams.iter().enumerate().map(|(number, stream)| {
        let events = (0..=number % 5).map(|_| database.event()).collect();
        log.append(*stream, Expected::NoStream, events)
    }));
    assert!(appended.await.iter().all(Result::is_ok));
    streams
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_gets_what_he_asked_for() {
    let database = Database::fresh().await;
    let log = database.process().await;
    let streams = filled(&database, log.as_ref()).await;
    let asked = streams.iter().enumerate().map(|(number, stream)| {
        let (from, limit) = (number as u64 % 3, 1 + number % 4);
        let log = log.clone();
        async move { (number, from, limit, log.read_stream(*stream, from, limit).await.unwrap()) }
    });
    for (number, from, limit, events) in join_all(asked).await {
        let there = 1 + number % 5;
        let expected: Vec<u64> = (from..there as u64).take(limit).collect();
        assert_eq!(events.iter().map(|event| event.version).collect::<Vec<_>>(), expected, "stream {number}");
        assert!(events.iter().all(|event| event.stream == streams[number]), "stream {number}");
    }
    assert_eq!(log.read_stream(database.stream(), 0, 10).await.unwrap(), Vec::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_fails_only_who_asked_for_it() {
    let database = Database::fresh().await;
    let log = database.process().await;
    let streams = filled(&database, log.as_ref()).await;
    sqlx::query("UPDATE souk_log.event SET schema_version = -1 WHERE stream = $1")
        .bind(streams[17].uuid)
        .execute(&mut database.connection().await)
        .await
        .unwrap();
    let answers = join_all(streams.iter().map(|stream| log.read_stream(*stream, 0, 10))).await;
    for (number, answer) in answers.into_iter().enumerate() {
        match answer {
            Err(LogError::Corrupt(_)) => assert_eq!(number, 17),
            Ok(events) => assert_eq!((events.len(), number == 17), (1 + number % 5, false)),
            Err(other) => panic!("stream {number}: {other}"),
        }
    }
}
