//! How cost grows with the size of the log and of the catalogue.

use std::{sync::Arc, time::Instant};

use souk_log_postgres::PostgresLog;
use souk_ports::EventLog;
use sqlx::PgPool;

use super::{
    appends,
    floor::Inserter,
    measure::{Budget, Pair, Row},
    random::Sequence,
    reads, rebuild,
    session::Session,
};
use crate::{failure::Failure, output::note};

/// A log is measured at its full size, and at these shares of it.
const SHARES: [u64; 3] = [100, 10, 1];
/// A rebuild is linear when ten times the events take hardly more than ten times as long.
const LINEAR: f64 = 0.8;
/// Rows like those that are appended, written in one statement: what is measured comes behind them.
const FILL: &str = "INSERT INTO souk_log.event \
     (position, recorded_at, version, schema_version, stream, id, category, type, data, metadata) \
     SELECT n, now(), 0, 1, gen_random_uuid(), gen_random_uuid(), 'installation', 'installation.installed', \
     decode(repeat('78', 250), 'hex'), decode(repeat('79', 345), 'hex') \
     FROM generate_series((SELECT coalesce(max(position), 0) + 1 FROM souk_log.event), $1) AS n";

/// Appends into a log that already has a hundredth, a tenth and all of the events that were asked for.
///
/// # Errors
/// The database failed.
pub async fn appends(session: &Session) -> Result<Vec<Row>, Failure> {
    let url = session.database("souk_bench_growth").await?;
    let pool = session.pool(&url).await?;
    souk_log_postgres::migrate(&pool).await.map_err(Failure::new)?;
    let inserter = Inserter::find(&pool).await?;
    let mut rows = Vec::new();
    for share in SHARES {
        let events = u64::from(session.options.events) / share;
        fill(&pool, events).await?;
        // What filling left to be written is not what is measured.
        session.checkpoint().await?;
        let log: Arc<dyn EventLog> = Arc::new(PostgresLog::connect(pool.clone()).await.map_err(Failure::new)?);
        let mut random = Sequence::new(31 + share);
        appends::append(&log, 1, &mut random).await?;
        let mut pairs = Vec::new();
        for _ in 0..session.options.repetitions {
            let floor = inserter.rate(&url, session.options.seconds).await?;
            let (value, _) = appends::append(&log, session.options.seconds, &mut random).await?;
            pairs.push(Pair { value, floor });
        }
        let name = format!("growth: the same appends behind at least {events} events");
        rows.extend(Row::compared(name, "1/s", inserter.name(), &pairs, Budget::None));
    }
    pool.close().await;
    Ok(rows)
}

async fn fill(pool: &PgPool, events: u64) -> Result<(), Failure> {
    note(format!("measuring: growth of appends, {events} events"));
    let started = Instant::now();
    sqlx::query(FILL).bind(events.cast_signed()).execute(pool).await.map_err(Failure::new)?;
    sqlx::query("VACUUM (ANALYZE) souk_log.event").execute(pool).await.map_err(Failure::new)?;
    note(format!("measuring: filled in {:.1} s", started.elapsed().as_secs_f64()));
    Ok(())
}

/// Rebuilds of a hundredth and a tenth of the events, each on a cluster of its own, the greater ones compared with the next smaller;
/// `rate` is that of the full size, events a second.
///
/// # Errors
/// A rebuild failed.
pub async fn rebuilds(session: &Session, rate: f64) -> Result<Vec<Row>, Failure> {
    let mut rates = Vec::new();
    for share in [100, 10] {
        let small = smaller(session, share).await?;
        let measured = small_rebuild(&small).await;
        small.close().await?;
        rates.push((small_size(session.options.events, share), measured?));
    }
    rates.push((session.options.events, rate));
    let row = |pair: &[(u32, f64)]| {
        let [(fewer, floor), (events, value)] = *pair else { return None };
        let name = format!("growth: events a second of a rebuild, {events} against {fewer}");
        let pair = Pair { value, floor };
        Row::compared(name, "1/s", format!("the same from {fewer} events"), &[pair], Budget::AtLeastTimes(LINEAR))
    };
    Ok(rates.windows(2).filter_map(row).collect())
}

async fn small_rebuild(small: &Session) -> Result<f64, Failure> {
    small.load().await?;
    let rows = rebuild::measure(small).await?;
    let rate = rows.iter().find(|row| row.name == rebuild::RATE).map(|row| row.value.median);
    rate.ok_or_else(|| Failure::new("a rebuild was not measured"))
}

async fn smaller(session: &Session, share: u32) -> Result<Session, Failure> {
    let mut options = session.options.clone();
    options.plugins = small_size(options.plugins, share);
    options.events = small_size(options.events, share);
    Session::open(options).await
}

fn small_size(full: u32, share: u32) -> u32 {
    (full / share).max(1)
}

/// Pages of a catalogue of a tenth of the size, on a cluster of its own, compared with `slowest`, the p99 of the full one.
///
/// # Errors
/// Souk gave a wrong answer.
pub async fn pages(session: &Session, slowest: f64) -> Result<Option<Row>, Failure> {
    let small = smaller(session, 10).await?;
    let measured = small_pages(&small).await;
    small.close().await?;
    let rows = measured?;
    let Some(base) = rows.iter().find(|row| row.name == reads::PAGE_P99) else { return Ok(None) };
    let (plugins, fewer) = (session.options.plugins, small_size(session.options.plugins, 10));
    let name = format!("growth: p99 of the page, {plugins} plugins against {fewer}");
    let floor = format!("the same at {fewer} plugins");
    let pair = Pair { value: slowest, floor: base.value.median };
    Ok(Row::compared(name, "ms", floor, &[pair], Budget::AtMostTimes(2.0)))
}

async fn small_pages(small: &Session) -> Result<Vec<Row>, Failure> {
    let catalogue = small.load().await?;
    let service = small.serve(&catalogue).await?;
    let measured = reads::pages(small, &service, &catalogue.plugins).await;
    service.stop().await?;
    measured
}
