//! The event log on PostgreSQL.
//!
//! Appends of all callers are gathered into batches (group commit); `sql/append_apart.sql`, or `sql/append.sql` where more care
//! is needed, writes a batch under a lock that every Souk process on the database takes, so positions leave no gap and are
//! committed in order. A reader that has seen a
//! position has therefore seen, or can read, everything before it.

mod batch;
mod error;
mod gather;
mod hub;
mod migrate;
mod read;
mod scan;
mod write;
mod written;

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use souk_domain::stream::StreamId;
use souk_ports::{
    Appended, EventLog, Expected, Filter, LogError, NewEvent, Position, RecordedEvent, log::check_append,
};
use sqlx::PgPool;

use crate::{gather::Gatherer, hub::Hub, read::Reader, write::Appender};

pub use crate::migrate::migrate;

/// An [`EventLog`] on a PostgreSQL database. Reads use the pool that it is given; appends and notifications have
/// connections of their own, three in all, so that neither waits for readers.
pub struct PostgresLog {
    reader: Reader,
    gatherer: Gatherer,
    appender: Appender,
    hub: Arc<Hub>,
}

impl PostgresLog {
    /// The log in the database of `pool`, which [`migrate`] has prepared. Needs a running tokio runtime; what runs in the
    /// background ends when the log and its subscriptions are dropped.
    ///
    /// # Errors
    /// The database cannot be reached, or was not prepared.
    pub async fn connect(pool: PgPool) -> Result<Self, LogError> {
        let options = (*pool.connect_options()).clone();
        let reader = Reader::new(pool);
        let hub = Arc::new(Hub::start(reader.clone(), &options, reader.head().await?));
        let appender = Appender::start(&options, hub.publisher());
        let gatherer = Gatherer::start(&reader);
        Ok(Self { reader, gatherer, appender, hub })
    }
}

#[async_trait]
impl EventLog for PostgresLog {
    async fn append(&self, stream: StreamId, expected: Expected, events: Vec<NewEvent>) -> Result<Appended, LogError> {
        check_append(&events)?;
        self.appender.append(stream, expected, events).await
    }

    async fn read_stream(&self, stream: StreamId, from: u64, limit: usize) -> Result<Vec<RecordedEvent>, LogError> {
        self.gatherer.stream(stream, from, limit).await
    }

    async fn read_all(&self, after: Position, filter: &Filter, limit: usize) -> Result<Vec<RecordedEvent>, LogError> {
        self.reader.behind(after, filter, limit).await
    }

    fn scan(&self, after: Position, page: usize) -> BoxStream<'_, Result<Vec<RecordedEvent>, LogError>> {
        scan::scan(self.reader.clone(), after, page)
    }

    async fn read_at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, LogError> {
        self.reader.at(positions).await
    }

    async fn subscribe(
        &self,
        after: Position,
    ) -> Result<BoxStream<'static, Result<Vec<RecordedEvent>, LogError>>, LogError> {
        Ok(hub::subscription(self.reader.clone(), Arc::clone(&self.hub), after))
    }

    async fn head(&self) -> Result<Position, LogError> {
        self.reader.head().await
    }
}
