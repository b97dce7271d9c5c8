//! Transactions on PostgreSQL that end with whoever began them, also when that one is cancelled.
//!
//! sqlx 0.9.0 counts a transaction only when the answer to `BEGIN` is there. A future that is dropped before (a client hung up, a
//! timeout, a task that was aborted) gives its connection back with a transaction that is open and that nobody knows of: who takes
//! it next writes into that transaction, keeps the rows locked, and loses what it wrote when the connection ends
//! (transact-rs/sqlx#4393). Here `BEGIN` is sent by a task of its own, which nobody cancels.

use sqlx::{PgPool, Postgres, SqlSafeStr, Transaction};

/// Begins a transaction on a connection of `pool`. Dropped before it is committed, or while it begins, it is rolled back.
///
/// # Errors
/// No connection can be had, or the database refuses.
pub async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    begin_with(pool, "BEGIN").await
}

/// The same with a `statement` of its own, for example `BEGIN READ ONLY`.
///
/// # Errors
/// As [`begin`], and when `statement` begins no transaction.
pub async fn begin_with(
    pool: &PgPool,
    statement: impl SqlSafeStr,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let (pool, statement) = (pool.clone(), statement.into_sql_str());
    #[expect(clippy::disallowed_methods, reason = "this is the place that makes it safe")]
    let begun = tokio::spawn(async move { pool.begin_with(statement).await }).await;
    begun.unwrap_or_else(|ended| {
        if ended.is_panic() { std::panic::resume_unwind(ended.into_panic()) } else { Err(sqlx::Error::WorkerCrashed) }
    })
}
