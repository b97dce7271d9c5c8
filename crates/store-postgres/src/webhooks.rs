//! What payment gateways sent.

use std::time::Duration;

use async_trait::async_trait;
use souk_ports::store::{StoreError, WebhookBodies};
use uuid::Uuid;

use crate::{PostgresStore, failed, seconds};

#[async_trait]
impl WebhookBodies for PostgresStore {
    async fn keep(&self, webhook: Uuid, sealed: &[u8]) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO souk_ops.webhook_body (webhook, sealed) VALUES ($1, $2) ON CONFLICT (webhook) DO NOTHING",
        )
        .bind(webhook)
        .bind(sealed)
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn body(&self, webhook: Uuid) -> Result<Option<Vec<u8>>, StoreError> {
        sqlx::query_scalar("SELECT sealed FROM souk_ops.webhook_body WHERE webhook = $1")
            .bind(webhook)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)
    }

    async fn forget_bodies(&self, age: Duration) -> Result<u64, StoreError> {
        let done = sqlx::query("DELETE FROM souk_ops.webhook_body WHERE kept_at < now() - make_interval(secs => $1)")
            .bind(seconds(age))
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(done.rows_affected())
    }
}
