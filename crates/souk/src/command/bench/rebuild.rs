//! Rebuilding all read models.

use serde::Deserialize;

use super::{
    floor,
    measure::{Budget, Pair, Row},
    process,
    session::Session,
};
use crate::{failure::Failure, output::note};

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
    let (mut pairs, mut rates, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    let mut events = 0;
    for repetition in 1..=session.options.repetitions {
        note(format!("measuring: rebuild, {repetition} of {}", session.options.repetitions));
        let floor = floor::copy_out(&pool).await?;
        let ended = process::run(session.directory(), &["rebuild", "--all", "--json"]).await?;
        let outcome: Outcome = serde_json::from_str(&ended.stdout).map_err(Failure::new)?;
        check(&outcome)?;
        let value = outcome.elapsed.secs as f64 + f64::from(outcome.elapsed.nanos) / 1e9;
        rates.push(outcome.position as f64 / value);
        memory.extend(ended.peak_memory.map(|bytes| bytes as f64 / f64::from(1 << 20)));
        pairs.push(Pair { value, floor });
        events = outcome.position;
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
        Row::plain("the same, events a second", "1/s", &rates, Budget::AtLeast(150_000.0)),
        Row::plain("memory of Souk while it rebuilds", "MiB", &memory, Budget::Under(512.0)),
    ];
    Ok(rows.into_iter().flatten().collect())
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
