//! The contract of [`EventLog`].

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use souk_domain::stream::{Category, StreamId};
use souk_ports::{
    Appended, EventLog, Expected, Filter, LogError, NewEvent, Position, RecordedEvent,
    log::{EVENT_OVERHEAD_BYTES, MAX_APPEND_BYTES, MAX_EVENT_BYTES},
};
use uuid::Uuid;

use super::{Case, event_log_concurrent as concurrent, unique};

/// What a case gets: a log, which may hold events of others.
pub type Subject = Arc<dyn EventLog>;

/// What every log promises.
pub const CASES: &[Case<Subject>] = &[
    ("a new stream starts at version 0", |log| Box::pin(new_stream(log))),
    ("an append at the last version continues the stream", |log| Box::pin(continues(log))),
    ("no stream expected but there is one: a conflict with its version", |log| Box::pin(no_stream_conflict(log))),
    ("a version behind or ahead of the stream: a conflict, and nothing is written", |log| {
        Box::pin(version_conflict(log))
    }),
    ("a version expected of a stream without events: a conflict without version", |log| {
        Box::pin(version_of_nothing(log))
    }),
    ("the same append again succeeds with the same outcome", |log| Box::pin(retry(log))),
    ("the same append again after later events succeeds with the first outcome", |log| Box::pin(late_retry(log))),
    ("some of the same ids at that place: a conflict", |log| Box::pin(partial_retry(log))),
    ("the same ids at an earlier place: a conflict", |log| Box::pin(moved_retry(log))),
    ("an id twice in one append is refused", |log| Box::pin(repeated_id(log))),
    ("several events are appended together or not at all", |log| Box::pin(together(log))),
    ("an append of nothing is refused", |log| Box::pin(nothing(log))),
    ("data and metadata come back byte for byte", |log| Box::pin(exact_bytes(log))),
    ("id, type, schema version and time come back", |log| Box::pin(envelope(log))),
    ("an event of the greatest size is kept; one byte more is too large", |log| Box::pin(greatest_size(log))),
    ("an append of the greatest size is kept; one byte more is too large", |log| Box::pin(greatest_append(log))),
    ("a type that a log keeps for itself is refused", |log| Box::pin(reserved_types(log))),
    ("streams of the same id in two categories are two streams", |log| Box::pin(categories_apart(log))),
    ("a stream is read in pages", |log| Box::pin(stream_pages(log))),
    ("a stream without events reads as empty", |log| Box::pin(stream_of_nothing(log))),
    ("all events are read in order of position, in pages", |log| Box::pin(all_pages(log))),
    ("a filter leaves the other categories out", |log| Box::pin(filtered(log))),
    ("events are read at their positions, unknown ones left out", |log| Box::pin(at_positions(log))),
    ("the head is the position of the last event", |log| Box::pin(head(log))),
    ("times never go back along the log", |log| Box::pin(times(log))),
    ("writers of one stream: each version once, each acknowledged event there", |log| {
        Box::pin(concurrent::one_stream(log))
    }),
    ("writers of many streams: every append lands once, in its order", |log| Box::pin(concurrent::many_streams(log))),
    ("of simultaneous equal expectations exactly one wins", |log| Box::pin(concurrent::one_winner(log))),
    ("simultaneous tries of one append are one append", |log| Box::pin(concurrent::one_append(log))),
    ("callers who give up harm nobody", |log| Box::pin(concurrent::given_up(log))),
    ("a subscription gives what is there and what comes, while writers go on", |log| {
        Box::pin(concurrent::subscription(log))
    }),
    ("a subscription resumes at any position", |log| Box::pin(concurrent::resumption(log))),
    ("a reader in pages misses nothing while writers go on", |log| Box::pin(concurrent::paging_reader(log))),
];

/// What logs promise whose positions count the events, and which know every id.
pub const DENSE: &[Case<Subject>] = &[
    ("positions leave no gap", |log| Box::pin(concurrent::no_gap(log))),
    ("an id that another stream has is refused", |log| Box::pin(taken_id(log))),
    ("the same ids again at the end of their stream: no second copy", |log| Box::pin(repeated_at_end(log))),
];

/// Runs [`CASES`], each on a log that `make` gives. It may be the same one each time, but nobody else writes to it.
///
/// # Panics
/// When a case fails.
pub async fn all(make: impl AsyncFn() -> Subject) {
    super::run("event log", CASES, make).await;
}

/// Runs [`DENSE`] likewise.
///
/// # Panics
/// When a case fails.
pub async fn dense(make: impl AsyncFn() -> Subject) {
    super::run("dense event log", DENSE, make).await;
}

/// A stream that nobody has used.
pub(super) fn fresh() -> StreamId {
    StreamId::new(Category::Plugin, unique())
}

/// An event of no particular content.
pub(super) fn event() -> NewEvent {
    with_data(Bytes::from_static(b"{\"a\":1}"))
}

fn with_data(data: Bytes) -> NewEvent {
    NewEvent {
        id: unique(),
        event_type: "plugin.described".to_owned(),
        schema_version: 1,
        data,
        metadata: Bytes::from_static(b"{}"),
    }
}

pub(super) fn events(count: usize) -> Vec<NewEvent> {
    (0..count).map(|_| event()).collect()
}

/// Appends where nothing may go wrong; version and position of the last event.
pub(super) async fn put(log: &Subject, stream: StreamId, expected: Expected, events: Vec<NewEvent>) -> (u64, Position) {
    match log.append(stream, expected, events).await.unwrap() {
        Appended::Ok { version, position } => (version, position),
        conflict @ Appended::Conflict { .. } => panic!("expected {expected:?} of {stream}, got {conflict:?}"),
    }
}

/// Reads a whole stream.
pub(super) async fn stream_of(log: &Subject, stream: StreamId) -> Vec<RecordedEvent> {
    let mut all = Vec::new();
    loop {
        let page = log.read_stream(stream, all.len() as u64, 500).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

pub(super) fn ids(events: &[RecordedEvent]) -> Vec<Uuid> {
    events.iter().map(|event| event.id).collect()
}

fn new_ids(events: &[NewEvent]) -> Vec<Uuid> {
    events.iter().map(|event| event.id).collect()
}

async fn new_stream(log: Subject) {
    let stream = fresh();
    let before = log.head().await.unwrap();
    let (version, position) = put(&log, stream, Expected::NoStream, events(1)).await;
    assert_eq!(version, 0);
    assert!(position > before && position >= 1);
}

async fn continues(log: Subject) {
    let stream = fresh();
    let (first, earlier) = put(&log, stream, Expected::NoStream, events(3)).await;
    let (second, later) = put(&log, stream, Expected::Version(2), events(2)).await;
    assert_eq!((first, second), (2, 4));
    assert!(later > earlier);
    let stored = stream_of(&log, stream).await;
    assert_eq!(stored.iter().map(|event| event.version).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert_eq!(stored[4].position, later);
    assert!(stored.iter().all(|event| event.stream == stream));
}

async fn no_stream_conflict(log: Subject) {
    let stream = fresh();
    put(&log, stream, Expected::NoStream, events(2)).await;
    let outcome = log.append(stream, Expected::NoStream, events(1)).await.unwrap();
    assert_eq!(outcome, Appended::Conflict { actual: Some(1) });
    assert_eq!(stream_of(&log, stream).await.len(), 2);
}

async fn version_conflict(log: Subject) {
    let stream = fresh();
    put(&log, stream, Expected::NoStream, events(3)).await;
    for wrong in [0, 1, 3, 17, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
        let outcome = log.append(stream, Expected::Version(wrong), events(2)).await.unwrap();
        assert_eq!(outcome, Appended::Conflict { actual: Some(2) }, "expected version {wrong}");
    }
    assert_eq!(stream_of(&log, stream).await.len(), 3);
}

async fn version_of_nothing(log: Subject) {
    let stream = fresh();
    for version in [0, 7, i64::MAX.unsigned_abs(), u64::MAX - 1, u64::MAX] {
        let outcome = log.append(stream, Expected::Version(version), events(1)).await.unwrap();
        assert_eq!(outcome, Appended::Conflict { actual: None }, "expected version {version}");
    }
    assert!(stream_of(&log, stream).await.is_empty());
}

async fn retry(log: Subject) {
    let stream = fresh();
    let (first, second) = (events(2), events(3));
    let outcome = put(&log, stream, Expected::NoStream, first.clone()).await;
    assert_eq!(put(&log, stream, Expected::NoStream, first.clone()).await, outcome);
    let outcome = put(&log, stream, Expected::Version(1), second.clone()).await;
    assert_eq!(put(&log, stream, Expected::Version(1), second.clone()).await, outcome);
    assert_eq!(ids(&stream_of(&log, stream).await), [new_ids(&first), new_ids(&second)].concat());
}

async fn late_retry(log: Subject) {
    let stream = fresh();
    let (first, second) = (events(2), events(1));
    let started = put(&log, stream, Expected::NoStream, first.clone()).await;
    let middle = put(&log, stream, Expected::Version(1), second.clone()).await;
    put(&log, stream, Expected::Version(2), events(2)).await;
    put(&log, fresh(), Expected::NoStream, events(1)).await;
    assert_eq!(put(&log, stream, Expected::NoStream, first).await, started);
    assert_eq!(put(&log, stream, Expected::Version(1), second).await, middle);
    assert_eq!(stream_of(&log, stream).await.len(), 5);
}

async fn partial_retry(log: Subject) {
    let stream = fresh();
    let stored = events(3);
    put(&log, stream, Expected::NoStream, stored.clone()).await;
    let conflict = Appended::Conflict { actual: Some(2) };
    let longer = [stored.clone(), events(1)].concat();
    let other_end = [stored[..2].to_vec(), events(1)].concat();
    let turned = vec![stored[1].clone(), stored[0].clone(), stored[2].clone()];
    for (what, tried) in [("longer", longer), ("another end", other_end), ("another order", turned)] {
        let outcome = log.append(stream, Expected::NoStream, tried).await.unwrap();
        assert_eq!(outcome, conflict, "{what}");
    }
    assert_eq!(ids(&stream_of(&log, stream).await), new_ids(&stored));
}

async fn moved_retry(log: Subject) {
    let stream = fresh();
    let stored = events(2);
    put(&log, stream, Expected::NoStream, stored.clone()).await;
    let outcome = log.append(stream, Expected::Version(0), stored[..1].to_vec()).await.unwrap();
    assert_eq!(outcome, Appended::Conflict { actual: Some(1) }, "behind the end");
    assert_eq!(ids(&stream_of(&log, stream).await), new_ids(&stored));
}

async fn together(log: Subject) {
    let stream = fresh();
    let mut too_large = events(3);
    too_large[2].data = Bytes::from(vec![b' '; MAX_EVENT_BYTES + 1]);
    assert!(log.append(stream, Expected::NoStream, too_large).await.is_err());
    assert!(stream_of(&log, stream).await.is_empty());
    let whole = events(50);
    assert_eq!(put(&log, stream, Expected::NoStream, whole.clone()).await.0, 49);
    let stored = stream_of(&log, stream).await;
    assert_eq!(ids(&stored), new_ids(&whole));
    assert!(stored.windows(2).all(|pair| pair[0].position < pair[1].position));
}

async fn nothing(log: Subject) {
    let outcome = log.append(fresh(), Expected::NoStream, Vec::new()).await;
    assert!(matches!(outcome, Err(LogError::Refused(_))), "{outcome:?}");
}

async fn exact_bytes(log: Subject) {
    let texts = [
        "{}",
        " { \"b\" : 1 ,\r\n\t\"a\":2, \"b\":3 } ",
        "{\"big\":123456789012345678901234567890,\"exact\":1.10,\"small\":1e-7,\"minus\":-0}",
        "{\"text\":\"caf\u{e9} e\u{301} \u{1f600} \\u00e9 \\ud83d\\ude00 \\/ \u{feff}\u{200d}\u{2028}\"}",
        "{\"slash\":\"\\\\x41 \\\\ ' $1 %s :name\"}",
        "{\"nul\":\"\\u0000\"}",
    ];
    let stream = fresh();
    let mut given: Vec<NewEvent> = texts.iter().map(|text| with_data(Bytes::from_static(text.as_bytes()))).collect();
    for (event, text) in given.iter_mut().zip(texts.iter().rev()) {
        event.metadata = Bytes::from_static(text.as_bytes());
    }
    put(&log, stream, Expected::NoStream, given.clone()).await;
    let stored = stream_of(&log, stream).await;
    assert_eq!(stored.len(), given.len());
    for (stored, given) in stored.iter().zip(&given) {
        assert_eq!(stored.data, given.data);
        assert_eq!(stored.metadata, given.metadata);
    }
}

async fn envelope(log: Subject) {
    let stream = fresh();
    let mut given = event();
    given.event_type = "plugin.version_submitted".to_owned();
    let mut expected = Expected::NoStream;
    for schema_version in [1, 2, 0, u16::MAX] {
        (given.id, given.schema_version) = (unique(), schema_version);
        let (version, position) = put(&log, stream, expected, vec![given.clone()]).await;
        let stored = log.read_stream(stream, version, 1).await.unwrap().remove(0);
        assert_eq!((stored.id, stored.stream), (given.id, stream));
        assert_eq!((stored.version, stored.position), (version, position));
        assert_eq!((&stored.event_type, stored.schema_version), (&given.event_type, schema_version));
        assert!(stored.recorded_at.timestamp() > 0);
        assert_eq!(stored.recorded_at.timestamp_subsec_nanos() % 1_000, 0, "microseconds");
        assert_eq!(log.read_at(&[position]).await.unwrap(), [stored]);
        expected = Expected::Version(version);
    }
}

async fn greatest_size(log: Subject) {
    let stream = fresh();
    let mut greatest = with_data(Bytes::from(vec![b'7'; MAX_EVENT_BYTES - 1000]));
    greatest.metadata = Bytes::from(vec![b'8'; 1000]);
    put(&log, stream, Expected::NoStream, vec![greatest.clone()]).await;
    let stored = stream_of(&log, stream).await.remove(0);
    assert!(stored.data == greatest.data && stored.metadata == greatest.metadata);

    greatest.id = unique();
    greatest.metadata = Bytes::from(vec![b'8'; 1001]);
    let outcome = log.append(stream, Expected::Version(0), vec![greatest]).await;
    assert!(matches!(outcome, Err(LogError::TooLarge { size }) if size == MAX_EVENT_BYTES + 1), "{outcome:?}");
    assert_eq!(stream_of(&log, stream).await.len(), 1);
}

async fn greatest_append(log: Subject) {
    let stream = fresh();
    let mut greatest: Vec<NewEvent> = events(4);
    let each = MAX_APPEND_BYTES / 4 - EVENT_OVERHEAD_BYTES;
    for event in &mut greatest {
        event.data = Bytes::from(vec![b'7'; each - event.metadata.len()]);
    }
    let (version, position) = put(&log, stream, Expected::NoStream, greatest.clone()).await;
    let stored = stream_of(&log, stream).await;
    assert_eq!((version, position), (3, stored[3].position));
    assert_eq!(ids(&stored), new_ids(&greatest));

    greatest.iter_mut().for_each(|event| event.id = unique());
    greatest[3].metadata = Bytes::from_static(b"{} ");
    let outcome = log.append(stream, Expected::Version(3), greatest).await;
    assert!(matches!(outcome, Err(LogError::TooLarge { size }) if size == MAX_APPEND_BYTES + 1), "{outcome:?}");
    assert_eq!(stream_of(&log, stream).await.len(), 4);
}

async fn reserved_types(log: Subject) {
    let stream = fresh();
    for name in ["", "$metadata", "plugin.created@2", "plugin\0created"] {
        let mut event = event();
        event.event_type = name.to_owned();
        let outcome = log.append(stream, Expected::NoStream, vec![event]).await;
        assert!(matches!(outcome, Err(LogError::Refused(_))), "{name:?}: {outcome:?}");
    }
    assert!(stream_of(&log, stream).await.is_empty());
}

async fn categories_apart(log: Subject) {
    let uuid = unique();
    for category in Category::ALL {
        put(&log, StreamId::new(category, uuid), Expected::NoStream, events(1)).await;
    }
    for category in Category::ALL {
        let stored = stream_of(&log, StreamId::new(category, uuid)).await;
        assert_eq!(stored.iter().map(|event| event.stream.category).collect::<Vec<_>>(), [category]);
    }
}

async fn stream_pages(log: Subject) {
    let stream = fresh();
    let given = events(7);
    put(&log, stream, Expected::NoStream, given.clone()).await;
    let page = log.read_stream(stream, 2, 3).await.unwrap();
    assert_eq!(ids(&page), new_ids(&given[2..5]), "no fewer than wanted, while there are more");
    assert_eq!(ids(&log.read_stream(stream, 5, 100).await.unwrap()), new_ids(&given[5..]));
    assert!(log.read_stream(stream, 7, 3).await.unwrap().is_empty());
    assert!(log.read_stream(stream, u64::MAX, 3).await.unwrap().is_empty());
    assert!(log.read_stream(stream, 0, 0).await.unwrap().is_empty());
    assert_eq!(log.read_stream(stream, 0, usize::MAX).await.unwrap().len(), 7);
}

async fn stream_of_nothing(log: Subject) {
    assert!(log.read_stream(fresh(), 0, 10).await.unwrap().is_empty());
}

async fn all_pages(log: Subject) {
    let before = log.head().await.unwrap();
    let mut given = Vec::new();
    for count in [1, 3, 2, 5] {
        let batch = events(count);
        given.extend(new_ids(&batch));
        put(&log, fresh(), Expected::NoStream, batch).await;
    }
    let (mut read, mut after) = (Vec::new(), before);
    loop {
        let page = log.read_all(after, &Filter::default(), 4).await.unwrap();
        assert!(page.len() <= 4);
        assert!(page.iter().all(|event| event.position > after));
        assert!(page.windows(2).all(|pair| pair[0].position < pair[1].position));
        let Some(last) = page.last() else { break };
        after = last.position;
        read.extend(page);
    }
    assert_eq!(ids(&read), given);
    let scanned: Vec<_> = log.scan(before, 4).try_collect().await.unwrap();
    assert!(scanned.iter().all(|page| (1..=4).contains(&page.len())));
    assert_eq!(scanned.concat(), read);
    assert!(log.scan(after, 4).try_next().await.unwrap().is_none());
    assert!(log.read_all(u64::MAX, &Filter::default(), 4).await.unwrap().is_empty());
    assert!(log.read_all(before, &Filter::default(), 0).await.unwrap().is_empty());
}

async fn filtered(log: Subject) {
    let before = log.head().await.unwrap();
    let mut given = Vec::new();
    for category in [Category::Order, Category::Plugin, Category::Review, Category::Order, Category::License] {
        let event = event();
        given.push((category, event.id));
        put(&log, StreamId::new(category, unique()), Expected::NoStream, vec![event]).await;
    }
    for wanted in [vec![Category::Order], vec![Category::Review, Category::License], vec![Category::Email]] {
        let expected: Vec<Uuid> =
            given.iter().filter(|(category, _)| wanted.contains(category)).map(|(_, id)| *id).collect();
        let read = log.read_all(before, &Filter { categories: wanted }, 100).await.unwrap();
        assert_eq!(ids(&read), expected);
    }
    let orders = Filter { categories: vec![Category::Order] };
    let first = log.read_all(before, &orders, 1).await.unwrap();
    assert_eq!(ids(&first), [given[0].1]);
    assert_eq!(ids(&log.read_all(first[0].position, &orders, 1).await.unwrap()), [given[3].1]);
}

async fn at_positions(log: Subject) {
    let stream = fresh();
    put(&log, stream, Expected::NoStream, events(5)).await;
    let stored = stream_of(&log, stream).await;
    let beyond = stored[4].position + 1_000_000;
    // Where positions have holes, this is one of them.
    let between = stored[3].position + 1;
    let between = if between < stored[4].position { between } else { 0 };
    let wanted = [stored[3].position, beyond, stored[0].position, 0, between, stored[3].position, u64::MAX];
    assert_eq!(log.read_at(&wanted).await.unwrap(), [stored[0].clone(), stored[3].clone()]);
    assert!(log.read_at(&[]).await.unwrap().is_empty());
}

async fn head(log: Subject) {
    let (_, position) = put(&log, fresh(), Expected::NoStream, events(3)).await;
    assert_eq!(log.head().await.unwrap(), position);
}

async fn times(log: Subject) {
    let before = log.head().await.unwrap();
    for _ in 0..20 {
        put(&log, fresh(), Expected::NoStream, events(2)).await;
    }
    let read = log.read_all(before, &Filter::default(), 100).await.unwrap();
    assert_eq!(read.len(), 40);
    assert!(read.windows(2).all(|pair| pair[0].recorded_at <= pair[1].recorded_at));
}

async fn taken_id(log: Subject) {
    let (theirs, ours) = (fresh(), fresh());
    let taken = event();
    put(&log, theirs, Expected::NoStream, vec![taken.clone()]).await;
    let outcome = log.append(ours, Expected::NoStream, vec![event(), taken]).await;
    assert!(matches!(outcome, Err(LogError::Refused(_))), "{outcome:?}");
    assert!(stream_of(&log, ours).await.is_empty());
}

async fn repeated_at_end(log: Subject) {
    let stream = fresh();
    let stored = events(2);
    put(&log, stream, Expected::NoStream, stored.clone()).await;
    let outcome = log.append(stream, Expected::Version(1), stored.clone()).await;
    assert!(
        matches!(outcome, Err(LogError::Refused(_)) | Ok(Appended::Ok { version: 1, .. } | Appended::Conflict { .. })),
        "{outcome:?}"
    );
    assert_eq!(ids(&stream_of(&log, stream).await), new_ids(&stored));
}

async fn repeated_id(log: Subject) {
    let (stream, twice) = (fresh(), event());
    let outcome = log.append(stream, Expected::NoStream, vec![twice.clone(), twice]).await;
    assert!(matches!(outcome, Err(LogError::Refused(_))), "{outcome:?}");
    assert!(stream_of(&log, stream).await.is_empty());
}
