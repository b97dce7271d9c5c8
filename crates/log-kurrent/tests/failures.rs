//! What the log on KurrentDB does when the server or the network fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::{io::Write, net::SocketAddr, time::Duration};

use futures::{StreamExt, future::join_all};
use souk_domain::stream::{Category, StreamId};
use souk_kurrent_standin::{Fault, Standin};
use souk_log_kurrent::{ConnectError, KurrentLog, Options};
use souk_ports::{Appended, EventLog, Expected, Filter, LogError, RecordedEvent};
use support::{event, fresh, log_on, options, put, standin, unique};
use tokio::time::timeout;

/// After this time a test that waits has failed.
const PATIENCE: Duration = Duration::from_secs(60);

fn impatient() -> Options {
    Options { deadline: Duration::from_secs(1), patience: Duration::from_millis(2_500), ..options() }
}

async fn connect(url: &str) -> Result<KurrentLog, ConnectError> {
    timeout(PATIENCE, KurrentLog::connect(url, impatient())).await.expect("connecting ends")
}

/// How often an event of each id is in the log.
fn copies(standin: &Standin, stream: StreamId) -> usize {
    standin.stored().iter().filter(|stored| stored.stream == stream.to_string()).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_whose_outcome_is_unknown_is_repeated_until_it_is_known() {
    let standin = standin().await;
    let options = Options { deadline: Duration::from_millis(500), ..options() };
    let log = KurrentLog::connect(&standin.url(), options).await.unwrap();
    let long = Duration::from_secs(30);
    for fault in [
        Fault::LostBefore,
        Fault::LostAfter,
        Fault::SlowBefore(long),
        Fault::SlowAfter(long),
        Fault::FailedAfter,
        Fault::Unavailable,
        Fault::NotLeader(standin.address().port()),
    ] {
        for length in [1, 3] {
            let stream = fresh();
            let events: Vec<_> = (0..length).map(|_| event()).collect();
            standin.faults().next([fault, fault]);
            let position = put(&log, stream, Expected::NoStream, events.clone()).await;
            let stored = log.read_stream(stream, 0, 10).await.unwrap();
            assert_eq!(
                stored.iter().map(|event| event.id).collect::<Vec<_>>(),
                events.iter().map(|e| e.id).collect::<Vec<_>>()
            );
            assert_eq!(stored[length - 1].position, position, "{fault:?}");
            assert_eq!(copies(&standin, stream), length, "{fault:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_was_applied_is_no_conflict_though_others_appended_behind_it() {
    let standin = standin().await;
    let (log, other) = (log_on(&standin).await, log_on(&standin).await);
    let stream = fresh();
    standin.faults().next([Fault::SlowAfter(Duration::from_secs(30))]);
    let ours = event();
    let waiting = tokio::spawn({
        let (log, ours) = (log.clone(), ours.clone());
        async move { log.append(stream, Expected::NoStream, vec![ours]).await }
    });
    let applied = async {
        while copies(&standin, stream) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, applied).await.expect("the append is applied");
    put(&other, stream, Expected::Version(0), vec![event()]).await;
    let outcome = waiting.await.unwrap().unwrap();
    let first = log.read_stream(stream, 0, 1).await.unwrap().remove(0);
    assert_eq!(outcome, Appended::Ok { version: 0, position: first.position });
    assert_eq!((first.id, copies(&standin, stream)), (ours.id, 2));
}

/// The server says "wrong expected version" for what it has taken itself; only comparing tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_was_applied_is_found_where_the_server_has_forgotten_its_ids() {
    let standin = standin().await;
    let log = log_on(&standin).await;
    standin.faults().set_forgetful(true);
    for length in [1, 3] {
        let (stream, events) = (fresh(), (0..length).map(|_| event()).collect::<Vec<_>>());
        standin.faults().next([Fault::FailedAfter]);
        let position = put(&log, stream, Expected::NoStream, events.clone()).await;
        let stored = log.read_stream(stream, 0, 10).await.unwrap();
        assert_eq!((stored.len(), stored[length - 1].position), (length, position));
        let version = length as u64 - 1;
        // Also once others have appended behind it.
        put(&log, stream, Expected::Version(version), vec![event()]).await;
        let again = log.append(stream, Expected::NoStream, events.clone()).await.unwrap();
        assert_eq!(again, Appended::Ok { version, position });

        let conflict = Appended::Conflict { actual: Some(version + 1) };
        let mut others = events.clone();
        others[length - 1] = event();
        let longer: Vec<_> = events.iter().cloned().chain([event(), event()]).collect();
        for events in [others, longer, vec![event()]] {
            assert_eq!(log.append(stream, Expected::NoStream, events).await.unwrap(), conflict);
        }
        assert_eq!(copies(&standin, stream), length + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_cut_off_within_an_append_contradicts_nothing() {
    let standin = standin().await;
    let log = KurrentLog::connect(&standin.url(), impatient()).await.unwrap();
    let events = || (0..3).map(|_| event()).collect::<Vec<_>>();
    for forgetful in [false, true] {
        standin.faults().set_forgetful(forgetful);
        for fault in [Fault::Pass, Fault::FailedAfter] {
            let (stream, events) = (fresh(), events());
            standin.faults().next([fault]);
            standin.faults().cut_next([0, 1, 2]);
            let position = put(&log, stream, Expected::NoStream, events.clone()).await;
            assert_eq!(log.read_stream(stream, 2, 1).await.unwrap()[0].position, position, "asked again");

            standin.faults().set_cut(Some(2));
            let outcome = log.append(stream, Expected::NoStream, events).await;
            assert!(matches!(outcome, Err(LogError::Unavailable(_))), "forgetful: {forgetful}: {outcome:?}");
            // What came says enough.
            let outcome = log.append(stream, Expected::NoStream, vec![event(), event(), event()]).await.unwrap();
            assert_eq!(outcome, Appended::Conflict { actual: Some(2) });
            standin.faults().set_cut(None);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_server_is_given_up_in_every_call() {
    let standin = standin().await;
    let log = KurrentLog::connect(&standin.url(), impatient()).await.unwrap();
    standin.faults().set_silent(true);
    let calls = async {
        let filter = Filter::default();
        let mut batches = log.subscribe(0).await.unwrap();
        let (appended, read, all, at, head, batch) = tokio::join!(
            log.append(fresh(), Expected::NoStream, vec![event()]),
            log.read_stream(fresh(), 0, 1),
            log.read_all(0, &filter, 1),
            log.read_at(&[1]),
            log.head(),
            batches.next(),
        );
        [appended.err(), read.err(), all.err(), at.err(), head.err(), batch.unwrap().err()]
    };
    for error in timeout(PATIENCE, calls).await.expect("every call ends") {
        assert!(matches!(error, Some(LogError::Unavailable(_))), "{error:?}");
    }
    standin.faults().set_silent(false);
    put(&log, fresh(), Expected::NoStream, vec![event()]).await;
}

/// An address that refuses connections.
async fn nobody() -> SocketAddr {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_was_sent_to_nobody_is_dead_and_replaced() {
    let standin = standin().await;
    let log = log_on(&standin).await;
    standin.faults().next([Fault::NotLeader(nobody().await.port())]);
    put(&log, fresh(), Expected::NoStream, vec![event()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_comes_late_is_connected_to() {
    let mut standin = standin().await;
    standin.stop().await;
    let url = standin.url();
    let connecting = tokio::spawn(async move { KurrentLog::connect(&url, options()).await });
    // Enough for the first try to fail.
    tokio::time::sleep(Duration::from_millis(500)).await;
    standin.restart().await.unwrap();
    let log = connecting.await.unwrap().unwrap();
    put(&log, fresh(), Expected::NoStream, vec![event()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_come_back_once_the_server_is_back() {
    let mut standin = standin().await;
    for url in [standin.url(), format!("kurrentdb://{0},{0}?tls=false&discoveryInterval=50", standin.address())] {
        let log = KurrentLog::connect(&url, impatient()).await.unwrap();
        let stream = fresh();
        put(&log, stream, Expected::NoStream, vec![event()]).await;
        standin.stop().await;
        for _ in 0..2 {
            let outcome = log.append(stream, Expected::Version(0), vec![event()]).await;
            assert!(matches!(outcome, Err(LogError::Unavailable(_))), "{url}: {outcome:?}");
        }
        standin.restart().await.unwrap();
        let callers = (0..32).map(|_| put(&log, fresh(), Expected::NoStream, vec![event()]));
        timeout(PATIENCE, join_all(callers)).await.expect("the client comes back");
        put(&log, stream, Expected::Version(0), vec![event()]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_goes_on_over_torn_connections_and_restarts() {
    let mut standin = standin().await;
    let log = log_on(&standin).await;
    let mut batches = log.subscribe(0).await.unwrap();
    let mut read: Vec<RecordedEvent> = Vec::new();
    let mut written = Vec::new();
    for round in 0..6 {
        for _ in 0..5 {
            let event = event();
            written.push(event.id);
            put(&log, fresh(), Expected::NoStream, vec![event]).await;
        }
        while read.len() < written.len() {
            let batch = timeout(PATIENCE, batches.next()).await.expect("the events come").unwrap().unwrap();
            assert!(!batch.is_empty());
            read.extend(batch);
        }
        match round % 3 {
            0 => standin.tear(),
            1 => standin.restart().await.unwrap(),
            _ => {}
        }
    }
    assert_eq!(read.iter().map(|event| event.id).collect::<Vec<_>>(), written);
}

/// In a runtime of its own, because what once was wrong took its threads for ever, and the test's end with them.
#[test]
fn a_subscription_goes_on_over_answers_that_end_early_as_if_they_were_complete() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.spawn(async move {
        let standin = standin().await;
        let log = log_on(&standin).await;
        standin.faults().set_cut(Some(3));
        let mut batches = log.subscribe(0).await.unwrap();
        let (mut written, mut read) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            written.push(put(&log, fresh(), Expected::NoStream, vec![event()]).await);
        }
        while read.len() < written.len() {
            read.extend(batches.next().await.unwrap().unwrap().into_iter().map(|event| event.position));
        }
        drop(sender.send((written, read)));
    });
    let outcome = receiver.recv_timeout(PATIENCE);
    runtime.shutdown_background();
    let (written, read) = outcome.expect("the events come");
    assert_eq!(read, written);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_without_server_ends_with_an_error() {
    let mut standin = standin().await;
    let log = KurrentLog::connect(&standin.url(), impatient()).await.unwrap();
    let mut batches = log.subscribe(0).await.unwrap();
    standin.stop().await;
    let end = timeout(PATIENCE, batches.next()).await.expect("the subscription ends");
    assert!(matches!(end, Some(Err(LogError::Unavailable(_)))), "{end:?}");
    assert!(timeout(PATIENCE, batches.next()).await.expect("it stays ended").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_looks_once_at_what_souk_did_not_write() {
    const FOREIGN: u64 = 3_000;
    let standin = standin().await;
    let log = log_on(&standin).await;
    let first = put(&log, fresh(), Expected::NoStream, vec![event()]).await;
    (0..FOREIGN).for_each(|_| standin.write("$stats-0.0.0.0:2113", "$statsCollected", "{}"));
    let mut batches = log.subscribe(0).await.unwrap();
    let batch = timeout(PATIENCE, batches.next()).await.expect("the event comes").unwrap().unwrap();
    assert_eq!(batch[0].position, first);
    let before = standin.faults().calls();
    let next = tokio::spawn(async move { batches.next().await });
    let idle = async {
        while standin.faults().calls().reads < before.reads + 40 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, idle).await.expect("it goes on reading");
    let records = standin.faults().calls().records - before.records;
    assert!((FOREIGN..2 * FOREIGN + 100).contains(&records), "{records} records looked at");
    let second = put(&log, fresh(), Expected::NoStream, vec![event()]).await;
    let batch = timeout(PATIENCE, next).await.expect("the event comes").unwrap().unwrap().unwrap();
    assert_eq!(batch.iter().map(|event| event.position).collect::<Vec<_>>(), [second]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_full_of_names_that_only_begin_like_ours_do_not_end_a_read() {
    let standin = standin().await;
    let log = log_on(&standin).await;
    (0..600).for_each(|_| standin.write("plugin-of-somebody", "plugin.created", "{}"));
    let position = put(&log, fresh(), Expected::NoStream, vec![event()]).await;
    (0..20).for_each(|_| standin.write("plugin-of-somebody", "plugin.created", "{}"));
    assert_eq!(log.head().await.unwrap(), position);
    for limit in [7, 50, 1_000] {
        let page = log.read_all(0, &Filter::default(), limit).await.unwrap();
        assert_eq!(page.iter().map(|event| event.position).collect::<Vec<_>>(), [position], "limit {limit}");
    }
    let mut batches = log.subscribe(0).await.unwrap();
    let batch = timeout(PATIENCE, batches.next()).await.expect("the event comes").unwrap().unwrap();
    assert_eq!(batch.iter().map(|event| event.position).collect::<Vec<_>>(), [position]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_souk_did_not_write_is_passed_over() {
    let standin = standin().await;
    let log = log_on(&standin).await;
    assert_eq!(log.head().await.unwrap(), 0, "a server's own events are none");
    let mut batches = log.subscribe(0).await.unwrap();
    let stream = fresh();
    let foreign = || {
        standin.write("billing-42", "invoice.sent", "{}");
        standin.write("plugin-of-somebody", "plugin.created", "{}");
        standin.write(&format!("plugin-{}", unique().simple()), "plugin.created", "{}");
        standin.write(&format!("$$plugin-{}", unique()), "$metadata", "{}");
        standin.write(&format!("{stream}"), "$>", "0@plugin-1");
        (0..20).for_each(|_| standin.write("$stats-0.0.0.0:2113", "$statsCollected", "{}"));
    };
    foreign();
    assert_eq!(log.head().await.unwrap(), 0);
    let first = put(&log, fresh(), Expected::NoStream, vec![event()]).await;
    foreign();
    let second = put(&log, fresh(), Expected::NoStream, vec![event()]).await;
    foreign();
    assert_eq!(log.head().await.unwrap(), second);
    let positions = |events: &[RecordedEvent]| events.iter().map(|event| event.position).collect::<Vec<_>>();
    assert_eq!(positions(&log.read_all(0, &Filter::default(), 100).await.unwrap()), [first, second]);
    assert!(log.read_stream(stream, 0, 100).await.unwrap().is_empty());
    let mut read = Vec::new();
    while read.len() < 2 {
        read.extend(timeout(PATIENCE, batches.next()).await.expect("the events come").unwrap().unwrap());
    }
    assert_eq!(positions(&read), [first, second]);
    assert!(second > first + 1, "the positions of this server have holes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kurrentdb_finds_correlation_where_it_looks_for_it() {
    let standin = standin().await;
    let log = log_on(&standin).await;
    let (mut event, stream) = (event(), fresh());
    event.schema_version = 3;
    put(&log, stream, Expected::NoStream, vec![event.clone()]).await;
    let stored = standin.stored().into_iter().find(|stored| stored.id == event.id).unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&stored.metadata).unwrap();
    assert_eq!(metadata["$correlationId"], "c");
    assert_eq!(stored.metadata, event.metadata);
    assert_eq!(stored.event_type, "plugin.described@3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_position_that_the_log_never_gave_is_named() {
    let standin = standin().await;
    let log = log_on(&standin).await;
    let position = put(&log, fresh(), Expected::NoStream, vec![event()]).await;
    put(&log, fresh(), Expected::NoStream, vec![event()]).await;
    let read = log.read_all(position + 1, &Filter::default(), 10).await;
    let subscribed = log.subscribe(position + 1).await.unwrap().next().await.unwrap().err();
    for error in [read.err(), subscribed] {
        let Some(LogError::Refused(why)) = error else { panic!("{error:?}") };
        assert!(why.contains(&format!("position {}", position + 1)), "{why}");
    }
    // Ahead of the log: nothing is there yet.
    assert!(log.read_all(position + 1_000_000, &Filter::default(), 10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_event_that_is_broken_is_named() {
    let standin = standin().await;
    let log = log_on(&standin).await;
    let stream = StreamId::new(Category::Plugin, unique());
    standin.write(&stream.to_string(), "plugin.created@new", "{}");
    let outcome = log.read_stream(stream, 0, 1).await;
    let Err(LogError::Corrupt(why)) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains(&stream.to_string()) && why.contains("schema version"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_connections_are_errors_with_a_reason() {
    let standin = standin().await;
    let plain = standin.address();
    let error = connect(&format!("kurrentdb://admin:hunter2@{plain}?tls=true")).await.err().unwrap().to_string();
    assert!(error.contains("tls=false") && !error.contains("hunter2"), "{error}");

    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    let url = format!("kurrentdb://{plain}?tls=true&tlsCaFile={}", file.path().display());
    let error = connect(&url).await.err().unwrap();
    assert!(matches!(error, ConnectError::Settings(_)), "{error}");

    let unused = nobody().await;
    for url in [
        format!("kurrentdb://{unused}?tls=false"),
        format!("kurrentdb://{unused},{unused}?tls=false&discoveryInterval=50"),
        format!("kurrentdb+discover://{unused}?tls=false&discoveryInterval=50"),
    ] {
        let error = connect(&url).await.err().unwrap();
        assert!(matches!(error, ConnectError::Log(LogError::Unavailable(_))), "{url}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sort_of_connection_string_works() {
    let standin = standin().await;
    let address = standin.address();
    for url in [
        format!("esdb://{address}?tls=false"),
        format!("kurrentdb://user:pass@{address}?tls=false"),
        format!("kurrentdb://{address},{address}?tls=false&nodePreference=leader"),
        format!("kurrentdb+discover://{address}?tls=false"),
    ] {
        let log = connect(&url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
        put(&log, fresh(), Expected::NoStream, vec![event()]).await;
    }
}
