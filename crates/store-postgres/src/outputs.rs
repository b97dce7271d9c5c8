//! Outputs of executions.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use souk_ports::store::{Outputs, StoreError};
use uuid::Uuid;

use crate::{PostgresStore, failed, seconds};

#[async_trait]
impl Outputs for PostgresStore {
    async fn keep(&self, execution: Uuid, sealed: Value) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO souk_ops.execution_output (execution, sealed) VALUES ($1, $2) \
             ON CONFLICT (execution) DO UPDATE SET sealed = excluded.sealed, kept_at = now()",
        )
        .bind(execution)
        .bind(sealed)
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn output(&self, execution: Uuid) -> Result<Option<Value>, StoreError> {
        sqlx::query_scalar("SELECT sealed FROM souk_ops.execution_output WHERE execution = $1")
            .bind(execution)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)
    }

    async fn forget_outputs(&self, age: Duration) -> Result<u64, StoreError> {
        let done =
            sqlx::query("DELETE FROM souk_ops.execution_output WHERE kept_at < now() - make_interval(secs => $1)")
                .bind(seconds(age))
                .execute(&self.pool)
                .await
                .map_err(failed)?;
        Ok(done.rows_affected())
    }
}
