//! What the tests of this crate have in common.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::StreamExt;
use souk_domain::stream::{Category, StreamId};
use souk_embedded_postgres::testing::{self, TestDatabase};
use souk_log_postgres::{PostgresLog, migrate};
use souk_ports::{Appended, EventLog, Expected, NewEvent, Position, Random, RecordedEvent};
use souk_testkit::SeededRandom;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use uuid::Uuid;

/// The lock that `sql/append.sql` takes.
pub const APPEND_LOCK: i64 = 1_399_813_419;

/// A migrated database of one test.
pub struct Database {
    pub inner: TestDatabase,
    random: SeededRandom,
}

impl Database {
    pub async fn fresh() -> Self {
        let inner = testing::database().await;
        migrate(&PgPool::connect(&inner.url).await.unwrap()).await.unwrap();
        Self { inner, random: SeededRandom::default() }
    }

    /// The log as another process would have it: with a pool of its own.
    pub async fn process(&self) -> Arc<PostgresLog> {
        let pool = PgPool::connect(&self.inner.url).await.unwrap();
        Arc::new(PostgresLog::connect(pool).await.unwrap())
    }

    pub async fn connection(&self) -> PgConnection {
        PgConnection::connect(&self.inner.url).await.unwrap()
    }

    pub fn stream(&self) -> StreamId {
        StreamId::new(Category::Plugin, self.random.uuid())
    }

    pub fn event(&self) -> NewEvent {
        event(self.random.uuid())
    }

    /// A connection that holds the lock of appends until it says otherwise or ends.
    pub async fn hold_lock(&self) -> PgConnection {
        let mut holder = self.connection().await;
        sqlx::query("SELECT pg_advisory_lock($1)").bind(APPEND_LOCK).execute(&mut holder).await.unwrap();
        holder
    }

    /// Waits until `count` appends wait for the lock.
    pub async fn until_waiting(&self, count: i64) {
        let mut connection = self.connection().await;
        for _ in 0..3000 {
            let waiting: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            )
            .fetch_one(&mut connection)
            .await
            .unwrap();
            if waiting >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no append waits for the lock");
    }

    /// Cuts the connections of this name.
    pub async fn cut(&self, application: &str) -> i64 {
        let mut connection = self.connection().await;
        sqlx::query_scalar(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE application_name = $1 AND datname = current_database()",
        )
        .bind(application)
        .fetch_one(&mut connection)
        .await
        .unwrap()
    }
}

pub async fn unlock(mut holder: PgConnection) {
    sqlx::query("SELECT pg_advisory_unlock($1)").bind(APPEND_LOCK).execute(&mut holder).await.unwrap();
}

pub fn event(id: Uuid) -> NewEvent {
    NewEvent {
        id,
        event_type: "plugin.described".to_owned(),
        schema_version: 1,
        data: Bytes::from_static(b"{}"),
        metadata: Bytes::from_static(b"{}"),
    }
}

/// Appends one event to a new stream.
pub async fn put(log: &PostgresLog, stream: StreamId, event: NewEvent) -> Position {
    match log.append(stream, Expected::NoStream, vec![event]).await.unwrap() {
        Appended::Ok { version: 0, position } => position,
        other => panic!("{other:?}"),
    }
}

/// The first `count` events that a subscription behind `after` gives.
pub async fn subscribed(log: &PostgresLog, after: Position, count: usize) -> Vec<RecordedEvent> {
    let mut batches = log.subscribe(after).await.unwrap();
    let mut events = Vec::new();
    while events.len() < count {
        let batch = tokio::time::timeout(Duration::from_secs(60), batches.next()).await;
        events.extend(batch.expect("an event in time").expect("a subscription goes on").unwrap());
    }
    events
}

/// Runs the SQL function on `connection` for one entry of one event in a new stream.
pub async fn append_by_hand(connection: &mut PgConnection, stream: StreamId, id: Uuid) -> Result<(), sqlx::Error> {
    let (category, stream) = (stream.category.as_str(), stream.uuid);
    let call = format!(
        r"SELECT * FROM souk_log.append(true, '{{{category}}}', '{{{stream}}}', '{{-1}}', '{{1}}', '{{{category}}}',
          '{{{stream}}}', '{{0}}', '{{{id}}}', '{{plugin.described}}', '{{1}}', ARRAY['{{}}'::bytea], ARRAY['{{}}'::bytea])"
    );
    sqlx::query(AssertSqlSafe(call)).execute(connection).await?;
    Ok(())
}
