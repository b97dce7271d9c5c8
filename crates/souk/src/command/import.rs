//! `souk import`

use std::sync::Arc;

use souk_ports::Random;

use crate::{
    cli::ImportSource,
    config::{Config, FeedKind},
    failure::Failure,
    import,
    interrupt::Interrupt,
    system::SystemRandom,
    wire::Souk,
};

/// What to import.
pub struct Wanted {
    /// Of which sort the catalogue is.
    pub source: ImportSource,
    /// Its folder; none of what Souk brings along.
    pub path: Option<std::path::PathBuf>,
    /// Who owns the vendors that are made; a house account when absent.
    pub owner: Option<String>,
    /// Only say what the pipeline would.
    pub check: bool,
    /// Report in JSON.
    pub json: bool,
}

/// Imports a catalogue. Works beside a Souk that serves and without one: the work of projectors and reactions is shared.
/// Through Kafka it takes their processes, which do all of it.
///
/// # Errors
/// The catalogue cannot be read at all, or the log cannot be reached. Single files that are refused are in the report.
pub async fn run(config: &Config, wanted: Wanted) -> Result<(), Failure> {
    if wanted.check {
        return import::check(config, &wanted).await;
    }
    let interrupt = Interrupt::listen()?;
    let souk = Souk::open(config).await?;
    let imported = import_beside(config, &souk, &interrupt, &wanted).await;
    souk.close().await?;
    imported
}

async fn import_beside(config: &Config, souk: &Souk, interrupt: &Interrupt, wanted: &Wanted) -> Result<(), Failure> {
    if config.events.feed == FeedKind::Kafka {
        // Joining those who follow Kafka would make them share out its partitions anew, twice. They do the work.
        return interrupt.or(import::run(config, souk, wanted)).await;
    }
    let feed = souk.feed(config, true).await?;
    let projecting = souk.project(Arc::clone(&feed));
    let (reacting, _) = souk.react(feed, SystemRandom.uuid());
    let imported = interrupt.or(import::run(config, souk, wanted)).await;
    reacting.stop().await;
    projecting.stop().await;
    imported
}
