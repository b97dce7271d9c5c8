//! Persons' keys.

use async_trait::async_trait;
use souk_domain::id::UserId;
use souk_ports::store::{StoreError, WrappedKeys};
use souk_transaction::begin;
use uuid::Uuid;

use crate::{PostgresStore, failed, impossible};

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

    async fn get_all(&self, subjects: &[UserId]) -> Result<Vec<(UserId, Vec<u8>)>, StoreError> {
        let subjects: Vec<Uuid> = subjects.iter().map(|subject| subject.uuid()).collect();
        let found: Vec<(Uuid, Vec<u8>)> = sqlx::query_as(
            "SELECT subject, wrapped FROM souk_ops.person_key WHERE subject = ANY($1) AND wrapped IS NOT NULL",
        )
        .bind(subjects)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        Ok(found.into_iter().map(|(subject, wrapped)| (UserId::new(subject), wrapped)).collect())
    }
}

impl PostgresStore {
    /// Names the key-encryption key that this database was begun with; nothing when it was begun with none yet.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn key_encryption_key(&self) -> Result<Option<[u8; 8]>, StoreError> {
        let id: Option<Vec<u8>> = sqlx::query_scalar("SELECT id FROM souk_ops.key_encryption_key")
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        id.map(|id| <[u8; 8]>::try_from(id).map_err(|_| impossible("key_encryption_key", "id", "there is"))).transpose()
    }

    /// Begins this database with the key-encryption key that `id` names, unless it was begun with one: which one it is then.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn begin_with_key(&self, id: [u8; 8]) -> Result<[u8; 8], StoreError> {
        sqlx::query("INSERT INTO souk_ops.key_encryption_key (id) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind(id.as_slice())
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(self.key_encryption_key().await?.unwrap_or(id))
    }

    /// The data directory that this database was begun with, on the machine that began it.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn data_dir(&self) -> Result<Option<String>, StoreError> {
        let found: Option<Option<String>> = sqlx::query_scalar("SELECT data_dir FROM souk_ops.key_encryption_key")
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        Ok(found.flatten())
    }

    /// Records the data directory of a database that knows none yet.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn begin_with_data_dir(&self, data_dir: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE souk_ops.key_encryption_key SET data_dir = $1 WHERE data_dir IS NULL")
            .bind(data_dir)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(())
    }

    /// Destroys the key of `subject` for good: what it sealed cannot be read again, and there will be no other. Whether
    /// there was a key. Backups of the table keep it until they are gone.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn destroy_key(&self, subject: UserId) -> Result<bool, StoreError> {
        let mut transaction = begin(&self.pool).await.map_err(failed)?;
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
