//! Persons' keys.

use async_trait::async_trait;
use souk_domain::id::UserId;
use souk_ports::store::{StoreError, WrappedKeys};

use crate::{PostgresStore, failed};

#[async_trait]
impl WrappedKeys for PostgresStore {
    async fn get_or_insert(&self, subject: UserId, fresh: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let inserted = sqlx::query_scalar(
            "INSERT INTO souk_ops.person_key (subject, wrapped) VALUES ($1, $2) \
             ON CONFLICT (subject) DO NOTHING RETURNING wrapped",
        )
        .bind(subject.uuid())
        .bind(fresh)
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)?;
        match inserted {
            Some(wrapped) => Ok(Some(wrapped)),
            None => self.get(subject).await,
        }
    }

    async fn get(&self, subject: UserId) -> Result<Option<Vec<u8>>, StoreError> {
        let wrapped: Option<Option<Vec<u8>>> =
            sqlx::query_scalar("SELECT wrapped FROM souk_ops.person_key WHERE subject = $1")
                .bind(subject.uuid())
                .fetch_optional(&self.pool)
                .await
                .map_err(failed)?;
        Ok(wrapped.flatten())
    }
}

impl PostgresStore {
    /// Destroys the key of `subject` for good: what it sealed cannot be read again, and there will be no other. Whether
    /// there was a key. Backups of the table keep it until they are gone.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn destroy_key(&self, subject: UserId) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await.map_err(failed)?;
        let done = sqlx::query(
            "UPDATE souk_ops.person_key SET wrapped = NULL, destroyed_at = now() \
             WHERE subject = $1 AND destroyed_at IS NULL",
        )
        .bind(subject.uuid())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        let existed = done.rows_affected() == 1;
        if !existed {
            sqlx::query(
                "INSERT INTO souk_ops.person_key AS known (subject, destroyed_at) VALUES ($1, now()) \
                 ON CONFLICT (subject) DO UPDATE SET wrapped = NULL, \
                 destroyed_at = coalesce(known.destroyed_at, excluded.destroyed_at)",
            )
            .bind(subject.uuid())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(existed)
    }
}
