//! What is kept of partners, on a real PostgreSQL.
#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use std::sync::Arc;

use souk_embedded_postgres::testing::database;
use souk_store_postgres::PostgresStore;
use souk_testkit::contract;
use sqlx::postgres::PgPoolOptions;

#[tokio::test]
async fn the_contract_holds() {
    let database = database().await;
    let pool = PgPoolOptions::new().max_connections(4).connect(&database.url).await.unwrap();
    sqlx::migrate!("../../migrations").run(&pool).await.unwrap();
    let store = Arc::new(PostgresStore::new(pool));
    contract::partners::all(async || Arc::clone(&store) as contract::partners::Subject).await;
}
