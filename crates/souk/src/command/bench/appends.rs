//! Durable single-event appends, many writers, through the port.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::future::try_join_all;
use souk_domain::stream::{Category, StreamId};
use souk_log_postgres::PostgresLog;
use souk_ports::{Appended, EventLog, Expected, NewEvent};

use super::{
    floor::Inserter,
    measure::{Budget, Pair, Row, micros, percentile, rate},
    random::Sequence,
    session::Session,
};
use crate::{failure::Failure, output::note};

const WRITERS: u64 = 256;
/// Events of one stream before a writer begins the next.
const STREAM_LENGTH: u64 = 10;
/// Bytes of data and metadata of an installation; the floor's rows have as many.
const DATA: usize = 250;
const METADATA: usize = 345;

/// Appends and single-row inserts by turns, in one database.
///
/// # Errors
/// The database failed.
pub async fn measure(session: &Session) -> Result<Option<Row>, Failure> {
    let url = session.database("souk_bench_appends").await?;
    let pool = session.pool(&url).await?;
    souk_log_postgres::migrate(&pool).await.map_err(Failure::new)?;
    let inserter = Inserter::find(&pool).await?;
    let log: Arc<dyn EventLog> = Arc::new(PostgresLog::connect(pool.clone()).await.map_err(Failure::new)?);
    let seconds = session.options.seconds;
    let mut random = Sequence::new(11);
    append(&log, 1, &mut random).await?;
    let (mut pairs, mut slowest) = (Vec::new(), Vec::new());
    for repetition in 1..=session.options.repetitions {
        note(format!("measuring: appends, {repetition} of {}", session.options.repetitions));
        let floor = inserter.rate(&url, seconds).await?;
        let (value, mut times) = append(&log, seconds, &mut random).await?;
        slowest.push(percentile(&mut times, 99));
        pairs.push(Pair { value, floor });
    }
    drop(log);
    pool.close().await;
    let row = Row::compared(
        "durable single-event appends, 256 writers, through the port",
        "1/s",
        inserter.name(),
        &pairs,
        Budget::AtLeastTimes(2.0),
    );
    let slowest = slowest.into_iter().fold(0.0, f64::max);
    Ok(row.map(|row| row.with_note(format!("99 of 100 appends took at most {slowest:.1} ms"))))
}

/// Appends for `seconds`: how many a second, and how long each took, microseconds.
///
/// # Errors
/// The log failed, or a stream was not as its only writer left it.
pub async fn append(log: &Arc<dyn EventLog>, seconds: u64, random: &mut Sequence) -> Result<(f64, Vec<u32>), Failure> {
    let started = Instant::now();
    let until = started + Duration::from_secs(seconds);
    let tasks = (0..WRITERS).map(|_| tokio::spawn(write(Arc::clone(log), Sequence::new(random.next()), until)));
    let mut times = Vec::new();
    for task in try_join_all(tasks).await.map_err(Failure::new)? {
        times.append(&mut task?);
    }
    Ok((rate(times.len(), started.elapsed()), times))
}

async fn write(log: Arc<dyn EventLog>, mut random: Sequence, until: Instant) -> Result<Vec<u32>, Failure> {
    let (data, metadata) = (text(DATA), text(METADATA));
    let mut times = Vec::new();
    loop {
        let stream = StreamId::new(Category::Installation, random.uuid());
        for version in 0..STREAM_LENGTH {
            let sent = Instant::now();
            if sent >= until {
                return Ok(times);
            }
            let event = NewEvent {
                id: random.uuid(),
                event_type: "installation.installed".to_owned(),
                schema_version: 1,
                data: data.clone(),
                metadata: metadata.clone(),
            };
            let expected = version.checked_sub(1).map_or(Expected::NoStream, Expected::Version);
            match log.append(stream, expected, vec![event]).await.map_err(Failure::new)? {
                Appended::Ok { .. } => times.push(micros(sent.elapsed())),
                Appended::Conflict { actual } => return Err(Failure::new(format!("{stream} is at {actual:?}"))),
            }
        }
    }
}

/// A JSON text of `length` bytes.
fn text(length: usize) -> Bytes {
    Bytes::from(format!("\"{}\"", "x".repeat(length - 2)))
}
