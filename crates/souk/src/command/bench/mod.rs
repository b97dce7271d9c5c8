//! `souk bench`: the budgets, as ratios to floors taken in the same run.
//!
//! Everything happens on a private cluster in a temporary directory, which is gone afterwards. What users meet over HTTP is
//! measured over HTTP, against `souk serve` in a process of its own.

mod appends;
mod bound;
mod catalogue;
mod executions;
mod floor;
mod growth;
mod http;
mod installs;
mod lag;
mod measure;
mod paced;
mod process;
mod random;
mod reads;
mod rebuild;
mod report;
mod session;
mod start;
mod stream;
mod words;

use std::path::Path;

use clap::ValueEnum;

pub use crate::cli::BenchOptions as Options;

use self::{
    measure::Row,
    report::{Machine, Report, Skipped, Versions},
    session::Session,
};
use crate::{
    cli::Measurement,
    config::Config,
    failure::Failure,
    output::{note, say},
};

/// Measures, and prints a table in Markdown, or JSON; writes JSON into the file that `options` name as well.
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
    if let Some(brokers) = config.kafka.brokers.as_deref().filter(|_| options.wants(Measurement::KafkaLag)) {
        rows.extend(lag::through_kafka(&options, brokers).await?);
    }
    let versions = Versions {
        souk: env!("CARGO_PKG_VERSION"),
        debug_build: cfg!(debug_assertions),
        postgres,
        rustc: env!("SOUK_RUSTC"),
    };
    let skipped = skipped(config, &options);
    let report = Report { machine, versions, options, rows, skipped };
    let written = serde_json::to_string_pretty(&report).map_err(Failure::new)?;
    if let Some(path) = &report.options.report {
        write(path, &written).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    }
    say(if json { written } else { report.markdown() });
    Ok(())
}

fn write(path: &Path, report: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, format!("{report}\n"))
}

/// What a run with `options` leaves out.
fn skipped(config: &Config, options: &Options) -> Vec<Skipped> {
    let all = Measurement::value_variants().iter();
    let unwanted = all.filter(|measurement| !options.wants(**measurement)).map(|measurement| {
        let what = measurement.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        Skipped { what, why: "another part was asked for, by --only".to_owned() }
    });
    let mut skipped: Vec<Skipped> = unwanted.collect();
    if options.wants(Measurement::Growth) && !options.wants(Measurement::Pages) {
        let why = "their p99 is compared with that of the full size, which was not measured".to_owned();
        skipped.push(Skipped { what: "growth of pages".to_owned(), why });
    }
    if config.kafka.brokers.is_none() && options.wants(Measurement::KafkaLag) {
        let why = "no broker was named by SOUK_KAFKA__BROKERS; `make bench` starts one".to_owned();
        skipped.push(Skipped { what: "append to queryable through Kafka".to_owned(), why });
    }
    skipped
}

async fn measure(session: &Session) -> Result<Vec<Row>, Failure> {
    let wants = |measurement| session.options.wants(measurement);
    let mut rows = Vec::new();
    if wants(Measurement::Appends) {
        rows.extend(appends::measure(session).await?);
    }
    if wants(Measurement::Growth) {
        rows.extend(growth::appends(session).await?);
    }
    let served = [
        Measurement::Pages,
        Measurement::Search,
        Measurement::Lag,
        Measurement::LiveRebuild,
        Measurement::Executions,
        Measurement::Installs,
        Measurement::Stream,
    ];
    let serves = served.into_iter().any(wants);
    if !serves && !wants(Measurement::Rebuild) {
        return Ok(rows);
    }
    let catalogue = session.load().await?;
    if wants(Measurement::Rebuild) {
        let measured = rebuild::measure(session).await?;
        let rate = measured.iter().find(|row| row.name == rebuild::RATE).map(|row| row.value.median);
        rows.extend(measured);
        if let Some(rate) = rate.filter(|_| wants(Measurement::Growth)) {
            rows.extend(growth::rebuilds(session, rate).await?);
        }
    }
    if serves {
        let service = session.serve(&catalogue).await?;
        let measured = session::measure_served(session, &service, &catalogue).await;
        service.stop().await?;
        let measured = measured?;
        let slowest = measured.iter().find(|row| row.name == reads::PAGE_P99).map(|row| row.value.median);
        rows.extend(measured);
        if let Some(slowest) = slowest.filter(|_| wants(Measurement::Growth)) {
            rows.extend(growth::pages(session, slowest).await?);
        }
    }
    Ok(rows)
}
