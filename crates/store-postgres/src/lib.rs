//! Operational tables on PostgreSQL: credentials, wrapped keys, idempotency records, reaction checkpoints, inboxes and mails.
//!
//! Everything is in the schema `souk_ops`. Leases and ages are measured by the database's clock, so that the clocks of the
//! processes that share it need not agree.

mod credentials;
mod events;
mod idempotency;
mod keys;
mod notices;
mod outbox;
mod outputs;
mod partners;
mod reactions;
mod webhooks;

use std::time::Duration;

use souk_ports::{log::Position, store::StoreError};
use sqlx::PgPool;

pub use self::{
    events::EventSource,
    keys::{KeyPlace, PersonKeys},
};

/// The stores of `souk_ports::store` on one database, which must have been migrated.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    pool: PgPool,
}

impl PostgresStore {
    /// The stores in the database of `pool`.
    #[must_use]
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it is what `map_err` calls")]
fn failed(error: sqlx::Error) -> StoreError {
    StoreError(error.to_string())
}

/// What `table` says about `row` in `column` cannot be.
fn impossible(table: &str, column: &str, row: impl std::fmt::Display) -> StoreError {
    StoreError(format!("souk_ops.{table} has an impossible `{column}` in the row {row}"))
}

/// `position` as the database keeps it.
fn stored(position: Position) -> Result<i64, StoreError> {
    i64::try_from(position).map_err(|_| StoreError(format!("{position} is no position of a log")))
}

/// `duration` in seconds, cut to a century: the database refuses intervals without end.
fn seconds(duration: Duration) -> f64 {
    const CENTURY: f64 = 100.0 * 365.25 * 86_400.0;
    duration.as_secs_f64().min(CENTURY)
}
