//! Scans for malware by asking clamd, the daemon of `ClamAV`, over its own protocol.
//!
//! Each question has a connection of its own: `zINSTREAM` and chunks of bytes, each behind its length, or `zPING` and
//! `zVERSION`. Answers end with a zero byte. Nothing that clamd does not say is taken for an answer.

mod address;
mod connection;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use souk_ports::malware::{MalwareError, MalwareScanner, Scan};

pub use self::address::{Address, NoAddress};

/// How long clamd may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For accepting a connection, and for each chunk that it takes.
    pub connection: Duration,
    /// For its answer, once it has everything. Longer than clamd's own limit of two minutes for a scan.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connection: Duration::from_secs(10), answer: Duration::from_secs(150) }
    }
}

/// A clamd.
#[derive(Clone, Debug)]
pub struct Clamd {
    address: Address,
    patience: Patience,
}

impl Clamd {
    /// The one at `address`. Nothing is asked yet.
    #[must_use]
    pub const fn new(address: Address, patience: Patience) -> Self {
        Self { address, patience }
    }

    async fn ask(&self, command: &str, body: Option<Bytes>) -> Result<String, MalwareError> {
        let mut connection = connection::connect(&self.address, self.patience.connection)
            .await
            .map_err(|problem| MalwareError::Unavailable(format!("{}: {problem}", self.address)))?;
        let answer = connection::ask(&mut *connection, command, body, self.patience).await;
        answer.map_err(|problem| MalwareError::Failed(format!("{}: {problem}", self.address)))
    }

    fn nonsense(&self, answer: &str) -> MalwareError {
        let said = answer.replace(char::is_control, " ");
        MalwareError::Failed(format!("{}: it said `{said}`", self.address))
    }
}

#[async_trait]
impl MalwareScanner for Clamd {
    async fn scan(&self, bytes: Bytes) -> Result<Scan, MalwareError> {
        let answer = self.ask("INSTREAM", Some(bytes)).await?;
        verdict(&answer).ok_or_else(|| self.nonsense(&answer))
    }

    async fn version(&self) -> Result<String, MalwareError> {
        match self.ask("PING", None).await?.as_str() {
            "PONG" => {}
            other => return Err(self.nonsense(other)),
        }
        let version = self.ask("VERSION", None).await?;
        if version.starts_with("ClamAV ") { Ok(version) } else { Err(self.nonsense(&version)) }
    }
}

/// What an answer to `INSTREAM` says; none when it says nothing of what was scanned.
fn verdict(answer: &str) -> Option<Scan> {
    if answer == "INSTREAM size limit exceeded. ERROR" {
        return Some(Scan::TooLarge);
    }
    let said = answer.strip_prefix("stream: ")?;
    if said == "OK" {
        return Some(Scan::Clean);
    }
    let name = said.strip_suffix(" FOUND").map(str::trim).filter(|name| !name.is_empty())?;
    Some(Scan::Infected(name.to_owned()))
}
