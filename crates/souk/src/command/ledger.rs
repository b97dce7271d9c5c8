//! `souk ledger`

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use data_encoding::BASE64;
use futures::TryStreamExt;
use serde_json::json;
use souk_ports::{RecordedEvent, ledger::Openings};

use crate::{
    cli::LedgerCommand,
    config::Config,
    failure::Failure,
    interrupt::Interrupt,
    ledger,
    output::say,
    wire::{Base, Souk},
};

/// Events read at once.
const PAGE: usize = 1000;

/// Looks at the ledger.
///
/// # Errors
/// There is no key yet, or it cannot be read.
pub async fn run(config: &Config, command: &LedgerCommand, json: bool) -> Result<(), Failure> {
    match command {
        LedgerCommand::Key => key(config, json).await,
        LedgerCommand::Export { file } => export(config, file).await,
    }
}

async fn key(config: &Config, json: bool) -> Result<(), Failure> {
    let key = match ledger::key(config)? {
        None if config.database_url.is_some() => {
            // The database knows which data directory it belongs to.
            let base = Base::open(config).await?;
            let home = base.at_home(config).await;
            base.close().await?;
            ledger::key(&home?)?
        }
        found => found,
    };
    let key = key.ok_or_else(|| {
        Failure::new("there is no key yet: `souk serve` (or `souk react`) makes one when it first starts, or ledger.key names it")
    })?;
    let verifier = key.verifier();
    say(if json {
        json!({ "origin": verifier.name(), "verifierKey": verifier.to_string() }).to_string()
    } else {
        verifier.to_string()
    });
    Ok(())
}

async fn export(config: &Config, file: &Path) -> Result<(), Failure> {
    let interrupt = Interrupt::listen()?;
    let souk = Souk::open_apart(config).await?;
    let exported = interrupt.or(write(&souk, file)).await;
    souk.close().await?;
    let events = exported?;
    say(format!("{events} events were written to {}", file.display()));
    Ok(())
}

async fn write(souk: &Souk, file: &Path) -> Result<u64, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("{}: {error}", file.display()));
    let mut out = BufWriter::new(File::create(file).map_err(failed)?);
    let mut pages = souk.log().scan(0, PAGE);
    let mut events = 0;
    while let Some(page) = pages.try_next().await.map_err(Failure::new)? {
        for event in page {
            writeln!(out, "{}", line(&event, &souk.app().ports().ledger.openings(&event))).map_err(failed)?;
            events += 1;
        }
    }
    out.into_inner().map_err(|error| failed(error.into_error()))?.sync_all().map_err(failed)?;
    Ok(events)
}

fn line(event: &RecordedEvent, openings: &Openings) -> serde_json::Value {
    json!({
        "position": event.position,
        "stream": event.stream.to_string(),
        "streamSalt": openings.stream.map(|salt| BASE64.encode(&salt)),
        "data": BASE64.encode(&event.data),
        "dataSalt": BASE64.encode(&openings.data),
        "metadata": BASE64.encode(&event.metadata),
        "metadataSalt": BASE64.encode(&openings.metadata),
    })
}
