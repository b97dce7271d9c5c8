//! Rebuilding all read models.

use std::{sync::Arc, time::Duration};

use serde::Deserialize;
use souk_projector::housekeeping;

use super::{
    bound,
    catalogue::Listed,
    floor,
    measure::{Budget, Pair, Row, percentile},
    process::{self, Ended},
    reads,
    session::{Service, Session},
};
use crate::{failure::Failure, output::note};

/// What the rate of a rebuild is called.
pub const RATE: &str = "the same, events a second";
const POSTGRESQL: &str = "handing out the events, taking in the finished rows into new tables, keys, indexes, statistics, and summing up both \
     generations, as much at once as there are cores";
const DECODED: &str = "the same while every event is decoded once for all read models, which a log of JSON spares nobody; nothing is folded, \
     and no row is made; three quarters of a bound count as reached";
/// Pages and searches that go on while it rebuilds.
const READS_PER_SECOND: u32 = 200;

/// What `souk rebuild --json` says.
#[derive(Deserialize)]
struct Outcome {
    position: u64,
    elapsed: Elapsed,
    reports: Vec<Compared>,
}

#[derive(Deserialize)]
struct Elapsed {
    secs: u64,
    nanos: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Compared {
    projection: String,
    not_compared: Option<String>,
    tables: Vec<Table>,
}

#[derive(Deserialize)]
struct Table {
    differing: i64,
}

/// `souk rebuild --all` in a process of its own and `COPY … TO` of the same events, by turns.
///
/// # Errors
/// A rebuild failed, or gave other read models than the live ones.
pub async fn measure(session: &Session) -> Result<Vec<Row>, Failure> {
    let pool = session.pool(session.url()).await?;
    let (mut pairs, mut alone, mut decoded) = (Vec::new(), Vec::new(), Vec::new());
    let (mut rates, mut memory) = (Vec::new(), Vec::new());
    let mut events = 0;
    for repetition in 1..=session.options.repetitions {
        note(format!("measuring: rebuild, {repetition} of {}", session.options.repetitions));
        // Each begins like the first: without what an earlier one replaced, which a Souk at work drops after a minute, and without
        // pages that wait to be written.
        housekeeping(&pool, Duration::ZERO).await.map_err(Failure::new)?;
        session.checkpoint().await?;
        let floor = floor::copy_out(&pool).await?;
        let rebuilt = run(session).await?;
        rates.push(rebuilt.rate());
        memory.extend(rebuilt.memory());
        pairs.push(Pair { value: rebuilt.seconds, floor });
        let bound = bound::measure(session, &pool).await?;
        alone.push(Pair { value: rebuilt.seconds, floor: bound.postgresql });
        decoded.push(Pair { value: rebuilt.seconds, floor: bound.decoded });
        events = rebuilt.events;
    }
    pool.close().await;
    let rows = [
        Row::compared(
            format!("rebuild of all read models from {events} events"),
            "s",
            "`COPY … TO` of the same events, binary",
            &pairs,
            Budget::AtMostTimes(4.0),
        )
        .map(|row| row.with_note("with indexes, comparison with the live read models, and the swap")),
        Row::compared("the same, against PostgreSQL", "s", "what PostgreSQL alone takes for it", &alone, Budget::None)
            .map(|row| row.with_note(POSTGRESQL)),
        Row::compared(
            "the same, against its bound",
            "s",
            "what PostgreSQL and decoding the events take",
            &decoded,
            Budget::AtMostTimes(1.0 / 0.75),
        )
        .map(|row| row.with_note(DECODED)),
        Row::plain(RATE, "1/s", &rates, Budget::AtLeast(150_000.0)),
        Row::plain("memory of Souk while it rebuilds", "MiB", &memory, Budget::Under(512.0)),
    ];
    Ok(rows.into_iter().flatten().collect())
}

/// Rebuilds while people read and write, whom nothing may fail.
///
/// # Errors
/// A request failed, or a rebuild did, or it gave other read models than the live ones.
pub async fn live(session: &Session, service: &Service, plugins: &Arc<Vec<Listed>>) -> Result<Vec<Row>, Failure> {
    let (mut times, mut slowest, mut events) = (Vec::new(), Vec::new(), 0);
    let (mut reads, mut writes, mut count) = (f64::INFINITY, f64::INFINITY, 0);
    for repetition in 1..=session.options.repetitions {
        note(format!("measuring: rebuild while Souk is used, {repetition} of {}", session.options.repetitions));
        let tokens = service.accounts(1, &format!("rebuild-writer-{repetition}")).await?;
        let [token] = tokens.as_slice() else { return Err(Failure::new("an account has one token")) };
        let reading = reads::browse(service.souk.address, plugins, READS_PER_SECOND);
        let writing = reads::write(service.souk.address, token, plugins);
        let rebuilt = run(session).await;
        let (mut read, written) = (reading.stop().await?, writing.stop().await?);
        let rebuilt = rebuilt?;
        count += read.times.len() + written.times.len();
        (reads, writes) = (reads.min(read.rate), writes.min(written.rate));
        slowest.push(percentile(&mut read.times, 99));
        times.push(rebuilt.seconds);
        events = rebuilt.events;
        service.settle().await?;
    }
    let name = format!("rebuild of all read models from {events} events while Souk is used");
    let text = format!(
        "at least {reads:.0} pages and searches and {writes:.0} installs a second went on; none of the {count} requests failed, and \
         each time the new read models were equal to the live ones"
    );
    let rows = [
        Row::plain(name, "s", &times, Budget::None).map(|row| row.with_note(text)),
        Row::plain("the same, p99 of a page or search meanwhile", "ms", &slowest, Budget::None),
    ];
    Ok(rows.into_iter().flatten().collect())
}

/// A rebuild that gave what was there.
struct Rebuilt {
    seconds: f64,
    events: u64,
    ended: Ended,
}

impl Rebuilt {
    fn rate(&self) -> f64 {
        self.events as f64 / self.seconds
    }

    /// MiB
    fn memory(&self) -> Option<f64> {
        self.ended.peak_memory.map(|bytes| bytes as f64 / f64::from(1 << 20))
    }
}

async fn run(session: &Session) -> Result<Rebuilt, Failure> {
    let ended = process::run(session.directory(), &["rebuild", "--all", "--json"]).await?;
    let outcome: Outcome = serde_json::from_str(&ended.stdout).map_err(Failure::new)?;
    check(&outcome)?;
    let seconds = outcome.elapsed.secs as f64 + f64::from(outcome.elapsed.nanos) / 1e9;
    Ok(Rebuilt { seconds, events: outcome.position, ended })
}

/// A rebuild that gives something else is not worth measuring.
fn check(outcome: &Outcome) -> Result<(), Failure> {
    for report in &outcome.reports {
        let differing: i64 = report.tables.iter().map(|table| table.differing).sum();
        if let Some(reason) = &report.not_compared {
            return Err(Failure::new(format!("{} was not compared: {reason}", report.projection)));
        }
        if differing > 0 {
            return Err(Failure::new(format!("{} differs from the live one in {differing} rows", report.projection)));
        }
    }
    Ok(())
}
