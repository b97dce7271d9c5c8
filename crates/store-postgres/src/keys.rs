//! Persons' keys.

use async_trait::async_trait;
use souk_domain::id::UserId;
use souk_ports::store::{StoreError, WrappedKeys};
use souk_transaction::begin;
use sqlx::PgPool;
use uuid::Uuid;

use crate::{PostgresStore, failed, impossible};

/// Persons' keys in PostgreSQL. Best in a database of their own: backups of this one keep destroyed keys until they are gone.
#[derive(Clone, Debug)]
pub struct PersonKeys {
    pool: PgPool,
}

impl PersonKeys {
    /// The keys of the database that `pool` connects to, whose table is made unless it is there.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn open(pool: PgPool) -> Result<Self, StoreError> {
        sqlx::raw_sql(include_str!("../sql/person_keys.sql")).execute(&pool).await.map_err(failed)?;
        Ok(Self { pool })
    }

    /// The keys of a database that was migrated.
    #[must_use]
    pub const fn of(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Every person that has or had a key, and the wrapped keys of those who have one.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn all(&self) -> Result<Vec<(UserId, Option<Vec<u8>>)>, StoreError> {
        let found: Vec<(Uuid, Option<Vec<u8>>)> = sqlx::query_as("SELECT subject, wrapped FROM souk_ops.person_key")
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        Ok(found.into_iter().map(|(subject, wrapped)| (UserId::new(subject), wrapped)).collect())
    }

    /// Whether they are in the database that `pool` connects to, whatever address either was reached by.
    ///
    /// # Errors
    /// One of the databases cannot be reached.
    pub async fn are_in(&self, pool: &PgPool) -> Result<bool, StoreError> {
        let identity = async |pool: &PgPool| -> Result<(i64, i64), StoreError> {
            sqlx::query_as(include_str!("../sql/database_identity.sql")).fetch_one(pool).await.map_err(failed)
        };
        Ok(identity(&self.pool).await? == identity(pool).await?)
    }

    /// Lets nothing of any key be left, in the table and on the disk below it: for keys that are kept elsewhere now.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn clear(&self) -> Result<(), StoreError> {
        sqlx::query("TRUNCATE souk_ops.person_key").execute(&self.pool).await.map_err(failed)?;
        Ok(())
    }

    /// Rewrites the table, so that no row version of before is left in it.
    async fn rewrite(&self) -> Result<(), StoreError> {
        sqlx::query("VACUUM (FULL) souk_ops.person_key").execute(&self.pool).await.map_err(failed)?;
        Ok(())
    }
}

#[async_trait]
impl WrappedKeys for PersonKeys {
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

    async fn destroy(&self, subject: UserId) -> Result<bool, StoreError> {
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
                "INSERT INTO souk_ops.person_key (subject, destroyed_at) VALUES ($1, now()) ON CONFLICT (subject) DO NOTHING",
            )
            .bind(subject.uuid())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)?;
        if existed {
            self.rewrite().await?;
        }
        Ok(existed)
    }
}

/// Where persons' keys are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// In a folder of the data directory.
    Files,
    /// In this database.
    Here,
    /// In a folder that the configuration names.
    Directory,
    /// In another database, which the configuration names.
    Database,
}

impl KeyPlace {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Files, "files"), (Self::Here, "here"), (Self::Directory, "directory"), (Self::Database, "database")];

    fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(place, _)| *place == self).map_or("", |(_, text)| text)
    }
}

impl PostgresStore {
    /// Where persons' keys are; none where nobody has said.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn key_place(&self) -> Result<Option<KeyPlace>, StoreError> {
        let found: Option<Option<String>> = sqlx::query_scalar("SELECT person_keys FROM souk_ops.key_encryption_key")
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        let Some(text) = found.flatten() else { return Ok(None) };
        let known = KeyPlace::ALL.iter().find(|(_, known)| *known == text).map(|(place, _)| *place);
        known.map(Some).ok_or_else(|| impossible("key_encryption_key", "person_keys", "there is"))
    }

    /// Says where persons' keys are from now on. The database was begun with a key-encryption key.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn set_key_place(&self, place: KeyPlace) -> Result<(), StoreError> {
        sqlx::query("UPDATE souk_ops.key_encryption_key SET person_keys = $1")
            .bind(place.as_str())
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(())
    }

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
}
