//! The event log on KurrentDB.
//!
//! Positions are KurrentDB's commit positions: they grow, and have holes. Appends go singly, with explicit event ids and the
//! expected revision, so that a try whose outcome is unknown is repeated until it is known; the client library's batch append
//! would fail every caller when one fails, and its subscriptions are not used either. Reads go to the leader, so that whoever wrote reads what was written.

mod client;
mod error;
mod event;
mod follow;
mod read;
mod settings;
mod write;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::stream::BoxStream;
use souk_domain::stream::StreamId;
use souk_ports::{
    Appended, EventLog, Expected, Filter, LogError, NewEvent, Position, Random, RecordedEvent, log::check_append,
};
use tokio::sync::Semaphore;

pub use crate::settings::SettingsError;
use crate::{client::Supervisor, settings::Settings};

/// How patient a [`KurrentLog`] is.
#[derive(Clone)]
pub struct Options {
    /// A call, or the next part of a long answer, that takes longer is given up.
    pub deadline: Duration,
    /// So long calls without an answer are tried again, all tries together.
    pub patience: Duration,
    /// Appends on their way at a time; further ones wait.
    pub appends: usize,
    /// Spreads the tries of many callers.
    pub random: Arc<dyn Random>,
}

impl Options {
    /// What suits a server in the same network.
    #[must_use]
    pub fn new(random: Arc<dyn Random>) -> Self {
        Self { deadline: Duration::from_secs(5), patience: Duration::from_secs(15), appends: 64, random }
    }
}

/// Why there is no log.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConnectError {
    /// The connection string is no good.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The server cannot be reached, or refuses.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// An [`EventLog`] on a KurrentDB server or cluster. Clones share the connection.
#[derive(Clone)]
pub struct KurrentLog {
    supervisor: Arc<Supervisor>,
    appends: Arc<Semaphore>,
}

impl KurrentLog {
    /// The log behind a connection string such as `kurrentdb://user:password@host:2113?tls=true`. Needs a running tokio
    /// runtime. Waits `options.patience` for a server that does not answer.
    ///
    /// # Errors
    /// See [`ConnectError`]; none shows the password.
    pub async fn connect(url: &str, options: Options) -> Result<Self, ConnectError> {
        // Two providers are compiled in, so rustls cannot choose by itself. Whoever was first stays.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let settings = Settings::parse(url)?;
        let appends = Arc::new(Semaphore::new(options.appends.max(1)));
        let log = Self { supervisor: Arc::new(Supervisor::new(settings, options)), appends };
        log.head().await?;
        Ok(log)
    }
}

#[async_trait]
impl EventLog for KurrentLog {
    async fn append(&self, stream: StreamId, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, LogError> {
        check_append(&events)?;
        let closed = |_| LogError::Unavailable("the log was closed".to_owned());
        let _permit = self.appends.acquire().await.map_err(closed)?;
        self.supervisor.append(stream, expected, events).await
    }

    async fn read_stream(&self, stream: StreamId, from: u64, limit: usize) -> Result<Vec<RecordedEvent>, LogError> {
        self.supervisor.stream(stream, from, limit).await
    }

    async fn read_all(&self, after: Position, filter: &Filter, limit: usize) -> Result<Vec<RecordedEvent>, LogError> {
        self.supervisor.behind(after, filter, limit).await
    }

    async fn read_at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, LogError> {
        self.supervisor.at(positions).await
    }

    async fn subscribe(
        &self,
        after: Position,
    ) -> Result<BoxStream<'static, Result<Vec<RecordedEvent>, LogError>>, LogError> {
        Ok(follow::follow(Arc::clone(&self.supervisor), after))
    }

    async fn head(&self) -> Result<Position, LogError> {
        self.supervisor.last().await
    }
}
