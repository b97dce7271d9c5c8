//! The key that signs the ledger, and what lets it grow.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use souk_ledger::{Options, Outside, Salts, Sequencer, SigningKey};
use souk_ports::{EventLog, Random};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::{config::Config, failure::Failure, system::SystemRandom, workers::Workers};

/// What the secret that salts follow from is derived for.
pub const SALTS: &str = "ledger-salts";

/// The key that was set, else the one of the data directory; none where there is none yet.
///
/// # Errors
/// It cannot be read, or is of another log than the configuration says.
pub fn key(config: &Config) -> Result<Option<SigningKey>, Failure> {
    let key = match &config.ledger.key {
        Some(text) => Some(SigningKey::parse(text).map_err(Failure::new)?),
        None => SigningKey::load(&key_file(&config.data_dir)).map_err(Failure::new)?,
    };
    match (&key, &config.ledger.origin) {
        (Some(key), Some(origin)) if key.verifier().name() != origin => Err(Failure::new(format!(
            "ledger.origin is {origin:?}, but the key that signs is of the ledger {:?}, which never changes its name: set it back",
            key.verifier().name()
        ))),
        _ => Ok(key),
    }
}

/// The same, and a new one where there is none yet.
fn key_or_new(config: &Config) -> Result<SigningKey, Failure> {
    if let Some(key) = key(config)? {
        return Ok(key);
    }
    SigningKey::load_or_create(&key_file(&config.data_dir), &origin(config), &SystemRandom).map_err(Failure::new)
}

fn key_file(data_dir: &Path) -> PathBuf {
    data_dir.join("keys").join("ledger")
}

/// The name of a new log: unlike any other.
fn origin(config: &Config) -> String {
    let address = config.public_url.as_deref().and_then(|url| url.split_once("://")).map(|(_, rest)| rest);
    match (&config.ledger.origin, address) {
        (Some(origin), _) => origin.clone(),
        (None, Some(address)) => address.trim_end_matches('/').to_owned(),
        (None, None) => format!("localhost/souk-{}", &SystemRandom.uuid().simple().to_string()[..16]),
    }
}

/// Starts to put events into the ledger and to sign it, with the key and the file of `config`, whose data directory is the one that
/// the database belongs to.
///
/// # Errors
/// The key cannot be had.
pub fn sequence(config: &Config, pool: PgPool, log: Arc<dyn EventLog>, secret: [u8; 32]) -> Result<Workers, Failure> {
    let file = config.ledger.checkpoint_file.clone();
    let outside = Outside::new(file.unwrap_or_else(|| config.data_dir.join("ledger").join("checkpoint")));
    let options = Options { interval: Duration::from_millis(config.ledger.interval_ms) };
    let sequencer = Sequencer::new(pool, log, Salts::new(secret), key_or_new(config)?, outside, options);
    let cancel = CancellationToken::new();
    Ok(Workers::new(sequencer.run(cancel.clone()), cancel))
}
