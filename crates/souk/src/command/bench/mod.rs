//! `souk bench`: the budgets, as ratios to floors taken in the same run.
//!
//! Everything happens on a private cluster in a temporary directory, which is gone afterwards. What users meet over HTTP is
//! measured over HTTP, against `souk serve` in a process of its own.

mod appends;
mod catalogue;
mod floor;
mod http;
mod installs;
mod lag;
mod measure;
mod process;
mod random;
mod reads;
mod rebuild;
mod report;
mod session;
mod start;
mod words;

pub use crate::cli::BenchOptions as Options;

use self::{
    measure::Row,
    report::{Machine, Report, Versions},
    session::Session,
};
use crate::{
    cli::Measurement,
    config::Config,
    failure::Failure,
    output::{note, say},
};

/// Measures, and prints a table in Markdown, or JSON.
///
/// # Errors
/// Something that is needed to measure could not be started, or gave a wrong answer. A budget that is not met is no error: a
/// machine may be slow.
pub async fn run(config: &Config, options: Options, json: bool) -> Result<(), Failure> {
    if options.floor_server {
        let url = config.database_url.as_deref().ok_or_else(|| Failure::new("the floor needs DATABASE_URL"))?;
        return floor::serve(url).await;
    }
    let machine = Machine::this();
    let mut rows = Vec::new();
    if options.wants(Measurement::Start) {
        rows.extend(start::measure(options.repetitions).await?);
    }
    let session = Session::open(options.clone()).await?;
    let postgres = session.postgres().await?;
    let measured = measure(&session).await;
    if measured.is_err() {
        note(process::last_words(session.directory()));
    }
    session.close().await?;
    rows.extend(measured?);
    let versions = Versions { souk: env!("CARGO_PKG_VERSION"), debug_build: cfg!(debug_assertions), postgres };
    let report = Report { machine, versions, options, rows };
    say(if json { serde_json::to_string_pretty(&report).map_err(Failure::new)? } else { report.markdown() });
    Ok(())
}

async fn measure(session: &Session) -> Result<Vec<Row>, Failure> {
    let wants = |measurement| session.options.wants(measurement);
    let mut rows = Vec::new();
    if wants(Measurement::Appends) {
        rows.extend(appends::measure(session).await?);
    }
    let served = [Measurement::Pages, Measurement::Search, Measurement::Lag, Measurement::Installs];
    let serves = served.into_iter().any(wants);
    if !serves && !wants(Measurement::Rebuild) {
        return Ok(rows);
    }
    let catalogue = session.load().await?;
    if wants(Measurement::Rebuild) {
        rows.extend(rebuild::measure(session).await?);
    }
    if serves {
        let service = session.serve(&catalogue).await?;
        let measured = session::measure_served(session, &service, &catalogue).await;
        service.stop().await?;
        rows.extend(measured?);
    }
    Ok(rows)
}
