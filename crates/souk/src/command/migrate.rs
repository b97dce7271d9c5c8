//! `souk migrate`

use crate::{config::Config, database::Database, failure::Failure, output::say, wire};

/// Brings durable tables, functions and read-model schemas up to date.
///
/// # Errors
/// The database cannot be reached or migrated.
pub async fn run(config: &Config) -> Result<(), Failure> {
    let database = Database::open(config).await?;
    let pool = database.pool(2).await?;
    let migrated = wire::migrate(config, &pool).await;
    pool.close().await;
    database.close().await?;
    migrated?;
    say("The database is up to date.");
    Ok(())
}
