//! Prepares a database.

use sqlx::{
    PgPool,
    migrate::{MigrateError, Migrator},
};

/// Every durable table of Souk, of this crate and of others.
static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// The functions of the log. A migration never changes once it has run somewhere, but a function is improved in place: so
/// functions are replaced each time. One whose signature changes needs a new name, because processes of the older version
/// may still be calling it.
const FUNCTIONS: [&str; 2] = [include_str!("../sql/append.sql"), include_str!("../sql/append_apart.sql")];

/// Keeps two processes that start together from replacing the same function at once.
const LOCK: i64 = 1_399_813_420;

/// Creates or updates the durable tables and functions of Souk in the database of `pool`. Safe to run again, and by several
/// processes at once.
///
/// # Errors
/// The database cannot be reached, refuses, or was migrated by a newer or different Souk.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    MIGRATIONS.run(pool).await?;
    let mut transaction = souk_transaction::begin(pool).await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await?;
    for function in FUNCTIONS {
        sqlx::raw_sql(function).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}
