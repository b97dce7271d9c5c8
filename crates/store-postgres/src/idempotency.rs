//! Idempotency records.

use std::time::Duration;

use async_trait::async_trait;
use souk_ports::store::{Claim, Idempotency, StoreError, StoredAnswer};
use sqlx::Row;
use uuid::Uuid;

use crate::{PostgresStore, failed, impossible, seconds, stored};

/// How often a claim is tried: between the attempt to take a key and the look at who has it, it may be given back.
const ATTEMPTS: usize = 3;

#[async_trait]
impl Idempotency for PostgresStore {
    async fn claim(&self, key: Uuid, fingerprint: [u8; 32], lease: Duration) -> Result<Claim, StoreError> {
        for _ in 0..ATTEMPTS {
            let claimed: Option<Uuid> = sqlx::query_scalar(include_str!("../sql/claim.sql"))
                .bind(key)
                .bind(fingerprint.as_slice())
                .bind(seconds(lease))
                .fetch_optional(&self.pool)
                .await
                .map_err(failed)?;
            if claimed.is_some() {
                return Ok(Claim::Claimed);
            }
            if let Some(claim) = self.known(key, fingerprint).await? {
                return Ok(claim);
            }
        }
        Ok(Claim::Running)
    }

    async fn finish(&self, key: Uuid, answer: StoredAnswer) -> Result<(), StoreError> {
        let position = answer.position.map(stored).transpose()?;
        // The first answer stays: two runs of one command come to the same, and somebody may have got it already.
        sqlx::query(
            "UPDATE souk_ops.idempotency SET finished_at = clock_timestamp(), status = $2, position = $3, body = $4 \
             WHERE key = $1 AND finished_at IS NULL",
        )
        .bind(key)
        .bind(i32::from(answer.status))
        .bind(position)
        .bind(answer.body)
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn release(&self, key: Uuid) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM souk_ops.idempotency WHERE key = $1 AND finished_at IS NULL")
            .bind(key)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn prune(&self, age: Duration) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "DELETE FROM souk_ops.idempotency WHERE claimed_at < clock_timestamp() - make_interval(secs => $1) \
             AND (finished_at IS NOT NULL OR lease_until <= clock_timestamp())",
        )
        .bind(seconds(age))
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(done.rows_affected())
    }
}

impl PostgresStore {
    /// What is known of a key that could not be claimed; nothing when it is gone.
    async fn known(&self, key: Uuid, fingerprint: [u8; 32]) -> Result<Option<Claim>, StoreError> {
        let row = sqlx::query(
            "SELECT fingerprint = $2 AS fits, status, position, body FROM souk_ops.idempotency WHERE key = $1",
        )
        .bind(key)
        .bind(fingerprint.as_slice())
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)?;
        let Some(row) = row else { return Ok(None) };
        if !row.try_get::<bool, _>("fits").map_err(failed)? {
            return Ok(Some(Claim::Mismatch));
        }
        let Some(status) = row.try_get::<Option<i32>, _>("status").map_err(failed)? else {
            return Ok(Some(Claim::Running));
        };
        let status = u16::try_from(status).map_err(|_| impossible("idempotency", "status", key))?;
        let position = row
            .try_get::<Option<i64>, _>("position")
            .map_err(failed)?
            .map(u64::try_from)
            .transpose()
            .map_err(|_| impossible("idempotency", "position", key))?;
        let body = row.try_get("body").map_err(failed)?;
        Ok(Some(Claim::Finished(StoredAnswer { status, position, body })))
    }
}
