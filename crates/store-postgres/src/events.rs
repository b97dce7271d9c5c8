//! Which log and which feed a database was begun with.

use souk_ports::store::StoreError;

use crate::{PostgresStore, failed};

/// Where events are kept and what brings them to the read models.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct EventSource {
    /// `postgres` or `kurrentdb`.
    pub log: String,
    /// `log` or `kafka`.
    pub feed: String,
    /// Partitions of the feed.
    pub partitions: i32,
}

impl PostgresStore {
    /// Begins this database with `source`, unless it was begun with one: which one it is then.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn begin_with_events(&self, source: &EventSource) -> Result<EventSource, StoreError> {
        sqlx::query("INSERT INTO souk_ops.events (log, feed, partitions) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(&source.log)
            .bind(&source.feed)
            .bind(source.partitions)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        sqlx::query_as("SELECT log, feed, partitions FROM souk_ops.events").fetch_one(&self.pool).await.map_err(failed)
    }

    /// Records that another feed brings the events from now on.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn change_feed(&self, source: &EventSource) -> Result<(), StoreError> {
        sqlx::query("UPDATE souk_ops.events SET feed = $1, partitions = $2")
            .bind(&source.feed)
            .bind(source.partitions)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(failed)
    }
}
