//! The contract of the event log, on real PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use souk_embedded_postgres::testing;
use souk_log_postgres::{PostgresLog, migrate};
use souk_ports::EventLog;
use souk_testkit::contract;
use sqlx::PgPool;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_the_contract() {
    let database = testing::database().await;
    let pool = PgPool::connect(&database.url).await.unwrap();
    migrate(&pool).await.unwrap();
    let log: Arc<dyn EventLog> = Arc::new(PostgresLog::connect(pool.clone()).await.unwrap());
    contract::event_log::all(async || Arc::clone(&log)).await;
    contract::event_log::dense(async || Arc::clone(&log)).await;
}
