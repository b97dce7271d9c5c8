//! Who is cancelled while it begins a transaction leaves none behind.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use futures::poll;
use souk_embedded_postgres::testing::database;
use souk_transaction::{begin, begin_with};
use sqlx::{PgPool, postgres::PgPoolOptions};

/// Drops what begins a transaction after so many polls, on the one connection that `pool` has.
async fn cancelled_after(polls: usize, pool: &PgPool) {
    // Else it is the wait for the connection that is cancelled.
    while pool.num_idle() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut beginning = Box::pin(begin(pool));
    for _ in 0..polls {
        if poll!(&mut beginning).is_ready() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_connection_comes_back_without_a_transaction_wherever_its_beginning_was_cancelled() {
    let database = database().await;
    let pool = PgPoolOptions::new().max_connections(1).connect(&database.url).await.unwrap();
    let other = PgPoolOptions::new().max_connections(1).connect(&database.url).await.unwrap();
    sqlx::query("CREATE TABLE written (polls bigint)").execute(&pool).await.unwrap();
    for polls in 0..20 {
        cancelled_after(polls, &pool).await;
        sqlx::query("INSERT INTO written VALUES ($1)")
            .bind(i64::try_from(polls).unwrap())
            .execute(&pool)
            .await
            .unwrap();
        let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM written").fetch_one(&other).await.unwrap();
        assert_eq!(seen, i64::try_from(polls).unwrap() + 1, "what was written after {polls} polls is not committed");
    }
    pool.close().await;
    other.close().await;
    database.close().await;
}

#[tokio::test]
async fn a_transaction_is_committed_or_rolled_back_as_ever() {
    let database = database().await;
    let pool = PgPoolOptions::new().max_connections(2).connect(&database.url).await.unwrap();
    sqlx::query("CREATE TABLE written (n bigint)").execute(&pool).await.unwrap();
    let mut kept = begin(&pool).await.unwrap();
    sqlx::query("INSERT INTO written VALUES (1)").execute(&mut *kept).await.unwrap();
    kept.commit().await.unwrap();
    let mut dropped = begin(&pool).await.unwrap();
    sqlx::query("INSERT INTO written VALUES (2)").execute(&mut *dropped).await.unwrap();
    drop(dropped);
    let mut reading = begin_with(&pool, "BEGIN READ ONLY").await.unwrap();
    let refused = sqlx::query("INSERT INTO written VALUES (3)").execute(&mut *reading).await;
    assert!(refused.unwrap_err().to_string().contains("read-only"));
    drop(reading);
    assert!(begin_with(&pool, "SELECT 1").await.is_err());
    let written: Vec<i64> = sqlx::query_scalar("SELECT n FROM written").fetch_all(&pool).await.unwrap();
    assert_eq!(written, [1]);
    pool.close().await;
    database.close().await;
}
