//! `souk import`

use std::sync::Arc;

use souk_ports::Random;

use crate::{
    cli::ImportSource, config::Config, failure::Failure, import, interrupt::Interrupt, system::SystemRandom, wire::Souk,
};

/// What to import.
pub struct Wanted {
    /// Of which sort the catalogue is.
    pub source: ImportSource,
    /// Its folder.
    pub path: std::path::PathBuf,
    /// Who owns the vendors that are made; a house account when absent.
    pub owner: Option<String>,
    /// Report in JSON.
    pub json: bool,
}

/// Imports a catalogue. Works beside a Souk that serves and without one: the work of projectors and reactions is shared.
///
/// # Errors
/// The catalogue cannot be read at all, or the log cannot be reached. Single files that are refused are in the report.
pub async fn run(config: &Config, wanted: Wanted) -> Result<(), Failure> {
    let interrupt = Interrupt::listen()?;
    let souk = Souk::open(config).await?;
    let feed = souk.feed();
    let projecting = souk.project(Arc::clone(&feed));
    let (reacting, _) = souk.react(feed, SystemRandom.uuid());
    let imported = interrupt.or(import::run(&souk, &wanted)).await;
    reacting.stop().await;
    projecting.stop().await;
    souk.close().await?;
    imported
}
