//! The signed trees over all events: the keys `ledger`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use souk_ledger::SigningKey;

/// The signed trees over all events.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ledger {
    /// The name of the log, as its first key is made; `public_url` without its scheme when absent. It is in every signature, and never
    /// changes afterwards.
    pub origin: Option<String>,
    /// The key that signs, `PRIVATE+KEY+NAME+ID+BASE64`; without it one is made and kept in the data directory.
    pub key: Option<String>,
    /// Where the last signed head is kept outside of the database; `ledger/checkpoint` in the data directory when absent. It belongs on a
    /// disk that outlives the process, and in no backup that the database is restored from.
    pub checkpoint_file: Option<PathBuf>,
    /// How long events gather before they are signed, milliseconds.
    pub interval_ms: u64,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { origin: None, key: None, checkpoint_file: None, interval_ms: 1_000 }
    }
}

impl Ledger {
    /// What is wrong.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(origin) = &self.origin
            && (origin.is_empty()
                || origin.contains('+')
                || origin.chars().any(|c| c.is_whitespace() || c.is_control()))
        {
            problems.push(format!(
                "  ledger.origin: {origin:?}: expected a name such as souk.example/log, without spaces and +"
            ));
        }
        match self.key.as_deref().map(SigningKey::parse) {
            Some(Err(_)) => problems.push(
                "  ledger.key: a secret that is not shown here: expected PRIVATE+KEY+NAME+ID+BASE64, as in the file keys/ledger \
                 of a data directory"
                    .to_owned(),
            ),
            Some(Ok(key)) if self.origin.as_deref().is_some_and(|origin| origin != key.verifier().name()) => {
                problems.push(format!("  ledger.origin: the key is of the ledger {:?}", key.verifier().name()));
            }
            _ => {}
        }
        if !(10..=3_600_000).contains(&self.interval_ms) {
            problems.push(format!("  ledger.interval_ms: {}: expected 10 to 3600000", self.interval_ms));
        }
        problems
    }
}

/// Whether the key `key` of the configuration is never shown.
pub fn is_secret(key: &str) -> bool {
    key == "ledger.key"
}
