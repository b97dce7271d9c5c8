//! What [`EventLog`](souk_ports::EventLog) promises when many use it at once.

use std::collections::{HashMap, HashSet};

use futures::{StreamExt, future::join_all, stream::BoxStream};
use souk_domain::stream::StreamId;
use souk_ports::{Appended, Expected, Filter, LogError, Position, RecordedEvent};
use uuid::Uuid;

use super::{
    event_log::{Subject, event, events, fresh, ids, put, stream_of},
    patiently,
};

const WRITERS: usize = 16;
const APPENDS: usize = 25;

type Batches = BoxStream<'static, Result<Vec<RecordedEvent>, LogError>>;

fn expected_of(length: usize) -> Expected {
    length.checked_sub(1).map_or(Expected::NoStream, |version| Expected::Version(version as u64))
}

/// Appends `appends` times one or two events to `stream`, trying again at the version that a conflict tells.
/// The ids, in order, each with its version and the position of its batch's last event.
async fn write(log: Subject, stream: StreamId, appends: usize) -> Vec<(Uuid, u64, Position)> {
    let mut written = Vec::new();
    let mut expected = Expected::NoStream;
    for index in 0..appends {
        let batch = events(1 + index % 2);
        loop {
            match log.append(stream, expected, batch.clone()).await.unwrap() {
                Appended::Ok { version, position } => {
                    let first = version + 1 - batch.len() as u64;
                    written.extend((first..).zip(&batch).map(|(version, event)| (event.id, version, position)));
                    expected = Expected::Version(version);
                    break;
                }
                Appended::Conflict { actual } => expected = actual.map_or(Expected::NoStream, Expected::Version),
            }
        }
    }
    written
}

/// `WRITERS` writers, each on the stream that `choose` gives it.
async fn write_all(log: &Subject, choose: impl Fn(usize) -> StreamId) -> Vec<Vec<(Uuid, u64, Position)>> {
    let writers = (0..WRITERS).map(|writer| tokio::spawn(write(log.clone(), choose(writer), APPENDS)));
    join_all(writers).await.into_iter().map(Result::unwrap).collect()
}

pub(super) async fn one_stream(log: Subject) {
    let stream = fresh();
    let written = write_all(&log, |_| stream).await;
    let stored = stream_of(&log, stream).await;
    let total = written.iter().map(Vec::len).sum::<usize>();
    assert_eq!(stored.len(), total);
    assert!(stored.iter().zip(0..).all(|(event, version)| event.version == version));
    assert!(stored.windows(2).all(|pair| pair[0].position < pair[1].position));
    let by_id: HashMap<_, _> = stored.iter().map(|event| (event.id, event.version)).collect();
    assert!(written.iter().flatten().all(|(id, version, _)| by_id.get(id) == Some(version)));
}

pub(super) async fn many_streams(log: Subject) {
    let before = log.head().await.unwrap();
    let streams: Vec<_> = (0..WRITERS).map(|_| fresh()).collect();
    let written = write_all(&log, |writer| streams[writer]).await;
    for (stream, written) in streams.iter().zip(&written) {
        let stored = stream_of(&log, *stream).await;
        assert_eq!(ids(&stored), written.iter().map(|(id, ..)| *id).collect::<Vec<_>>());
    }
    let total = written.iter().map(Vec::len).sum::<usize>();
    let all = log.read_all(before, &Filter::default(), total + 1).await.unwrap();
    assert_eq!(all.len(), total);
    assert!(all.windows(2).all(|pair| pair[0].position < pair[1].position));
}

pub(super) async fn one_winner(log: Subject) {
    for length in 0..5 {
        let stream = fresh();
        if length > 0 {
            put(&log, stream, Expected::NoStream, events(length)).await;
        }
        let tries = (0..WRITERS).map(|_| log.append(stream, expected_of(length), events(1)));
        let outcomes: Vec<_> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
        let winners = outcomes.iter().filter(|outcome| matches!(outcome, Appended::Ok { .. })).count();
        assert_eq!(winners, 1, "{outcomes:?}");
        let actual = Appended::Conflict { actual: Some(length as u64) };
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == actual).count(), WRITERS - 1, "{outcomes:?}");
    }
}

pub(super) async fn one_append(log: Subject) {
    let (stream, batch) = (fresh(), events(3));
    let tries = (0..WRITERS).map(|_| log.append(stream, Expected::NoStream, batch.clone()));
    let outcomes: HashSet<_> = join_all(tries).await.into_iter().map(|tried| format!("{:?}", tried.unwrap())).collect();
    assert_eq!(outcomes.len(), 1, "{outcomes:?}");
    assert_eq!(stream_of(&log, stream).await.len(), 3);
}

pub(super) async fn given_up(log: Subject) {
    let streams: Vec<_> = (0..WRITERS).map(|_| fresh()).collect();
    let tries: Vec<_> = streams
        .iter()
        .map(|stream| {
            let (log, stream) = (log.clone(), *stream);
            tokio::spawn(async move { log.append(stream, Expected::NoStream, events(2)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    tries.iter().step_by(2).for_each(tokio::task::JoinHandle::abort);
    for (index, tried) in tries.into_iter().enumerate() {
        let outcome = tried.await;
        if index % 2 == 1 {
            assert!(matches!(outcome, Ok(Ok(Appended::Ok { .. }))), "{outcome:?}");
        }
    }
    for stream in streams {
        put(&log, fresh(), Expected::NoStream, events(1)).await;
        let length = stream_of(&log, stream).await.len();
        assert!(length == 0 || length == 2, "{length} of 2 events");
    }
}

/// The next events of `batches` until `wanted` of them are there.
async fn take(batches: &mut Batches, wanted: usize) -> Vec<RecordedEvent> {
    let mut taken = Vec::new();
    while taken.len() < wanted {
        let batch = patiently("the next batch", batches.next()).await.expect("the subscription ended").unwrap();
        assert!(!batch.is_empty(), "an empty batch");
        taken.extend(batch);
    }
    taken
}

fn assert_same(read: &[RecordedEvent], written: &[Vec<(Uuid, u64, Position)>]) {
    assert!(read.windows(2).all(|pair| pair[0].position < pair[1].position), "positions must grow");
    let read: Vec<_> = read.iter().map(|event| event.id).collect();
    let mut written: Vec<_> = written.iter().flatten().copied().collect();
    written.sort_by_key(|(_, version, position)| (*position, *version));
    assert_eq!(read, written.into_iter().map(|(id, ..)| id).collect::<Vec<_>>());
}

pub(super) async fn subscription(log: Subject) {
    let before = log.head().await.unwrap();
    let first = write(log.clone(), fresh(), 5).await;
    let mut batches = log.subscribe(before).await.unwrap();
    let mut read = take(&mut batches, first.len()).await;
    let wanted = WRITERS * (APPENDS + APPENDS / 2);
    let (mut written, later) = tokio::join!(write_all(&log, |_| fresh()), take(&mut batches, wanted));
    read.extend(later);
    let last = write(log.clone(), fresh(), 1).await;
    read.extend(take(&mut batches, 1).await);
    written.extend([first, last]);
    assert_same(&read, &written);
}

pub(super) async fn resumption(log: Subject) {
    let before = log.head().await.unwrap();
    let written = write_all(&log, |_| fresh()).await;
    let total = written.iter().map(Vec::len).sum::<usize>();
    let all = take(&mut log.subscribe(before).await.unwrap(), total).await;
    assert_same(&all, &written);
    for start in (0..total).step_by(37) {
        let mut batches = log.subscribe(all[start].position).await.unwrap();
        assert_eq!(take(&mut batches, total - start - 1).await, all[start + 1..]);
    }
    let mut batches = log.subscribe(all[total - 1].position).await.unwrap();
    let (next, _) = tokio::join!(take(&mut batches, 1), write(log.clone(), fresh(), 1));
    assert_eq!(next.len(), 1);
}

pub(super) async fn paging_reader(log: Subject) {
    let before = log.head().await.unwrap();
    let writing = write_all(&log, |_| fresh());
    let wanted = WRITERS * (APPENDS + APPENDS / 2);
    let reading = async {
        let (mut read, mut after) = (Vec::new(), before);
        while read.len() < wanted {
            let page = log.read_all(after, &Filter::default(), 50).await.unwrap();
            after = page.last().map_or(after, |last| last.position);
            read.extend(page);
            tokio::task::yield_now().await;
        }
        read
    };
    let (written, read) = tokio::join!(writing, patiently("every event", reading));
    assert_same(&read, &written);
}

pub(super) async fn no_gap(log: Subject) {
    let before = log.head().await.unwrap();
    let stream = fresh();
    let (contended, apart) = tokio::join!(write_all(&log, |_| stream), write_all(&log, |_| fresh()));
    let refused = log.append(stream, Expected::NoStream, vec![event()]).await.unwrap();
    assert!(matches!(refused, Appended::Conflict { .. }));
    put(&log, fresh(), Expected::NoStream, events(1)).await;
    let total = contended.iter().chain(&apart).map(Vec::len).sum::<usize>() + 1;
    let read = log.read_all(before, &Filter::default(), total + 1).await.unwrap();
    assert_eq!(read.len(), total);
    assert!(read.iter().zip(before + 1..).all(|(event, position)| event.position == position));
}
