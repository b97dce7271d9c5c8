//! The contract of the feed, on a log in real PostgreSQL.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use souk_embedded_postgres::testing;
use souk_feed_log::LogFeed;
use souk_log_postgres::{PostgresLog, migrate};
use souk_ports::{EventFeed, EventLog};
use souk_testkit::contract;
use sqlx::PgPool;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_the_contract() {
    let database = testing::database().await;
    let pool = PgPool::connect(&database.url).await.unwrap();
    migrate(&pool).await.unwrap();
    let log: Arc<dyn EventLog> = Arc::new(PostgresLog::connect(pool).await.unwrap());
    let feed: Arc<dyn EventFeed> = Arc::new(LogFeed::new(Arc::clone(&log)));
    contract::event_feed::all(async || (Arc::clone(&log), Arc::clone(&feed))).await;
}
