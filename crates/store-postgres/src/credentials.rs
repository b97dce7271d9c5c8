//! Passwords, refresh tokens and API keys.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use souk_domain::id::{ApiKeyId, UserId};
use souk_ports::store::{Credentials, Rotation, StoreError};
use souk_transaction::begin;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{PostgresStore, failed};

/// A refresh token and its family, both locked.
struct Known {
    family: Uuid,
    user: Uuid,
    revoked: bool,
    spent: bool,
    expires_at: DateTime<Utc>,
}

#[async_trait]
impl Credentials for PostgresStore {
    async fn set_password(&self, user: UserId, hash: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO souk_ops.password (user_id, hash) VALUES ($1, $2) \
             ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed_at = now()",
        )
        .bind(user.uuid())
        .bind(hash)
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn password(&self, user: UserId) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar("SELECT hash FROM souk_ops.password WHERE user_id = $1")
            .bind(user.uuid())
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)
    }

    async fn forget(&self, user: UserId) -> Result<(), StoreError> {
        let mut transaction = begin(&self.pool).await.map_err(failed)?;
        for statement in [
            "DELETE FROM souk_ops.password WHERE user_id = $1",
            "DELETE FROM souk_ops.refresh_family WHERE user_id = $1",
            "DELETE FROM souk_ops.api_key WHERE user_id = $1",
        ] {
            sqlx::query(statement).bind(user.uuid()).execute(&mut *transaction).await.map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn start_family(
        &self,
        user: UserId,
        family: Uuid,
        token: [u8; 32],
        expires_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "WITH family AS (INSERT INTO souk_ops.refresh_family (family, user_id) VALUES ($1, $2) RETURNING family) \
             INSERT INTO souk_ops.refresh_token (hash, family, expires_at) SELECT $3, family, $4 FROM family",
        )
        .bind(family)
        .bind(user.uuid())
        .bind(token.as_slice())
        .bind(expires_at)
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn rotate(
        &self,
        token: [u8; 32],
        next: [u8; 32],
        now: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<Rotation, StoreError> {
        let mut transaction = begin(&self.pool).await.map_err(failed)?;
        let outcome = rotate(&mut transaction, token, next, now, expires_at).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(outcome)
    }

    async fn end_family(&self, token: [u8; 32]) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE souk_ops.refresh_family SET revoked_at = now() WHERE revoked_at IS NULL \
             AND family = (SELECT family FROM souk_ops.refresh_token WHERE hash = $1)",
        )
        .bind(token.as_slice())
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn add_api_key(&self, user: UserId, key: ApiKeyId, hash: [u8; 32]) -> Result<(), StoreError> {
        // A retry stores the same key again, perhaps with another secret: the one that its holder was shown last.
        sqlx::query(
            "INSERT INTO souk_ops.api_key (user_id, key_id, hash) VALUES ($1, $2, $3) \
             ON CONFLICT (user_id, key_id) DO UPDATE SET hash = excluded.hash, added_at = now()",
        )
        .bind(user.uuid())
        .bind(key.uuid())
        .bind(hash.as_slice())
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn api_key(&self, hash: [u8; 32]) -> Result<Option<(UserId, ApiKeyId)>, StoreError> {
        let found: Option<(Uuid, Uuid)> =
            sqlx::query_as("SELECT user_id, key_id FROM souk_ops.api_key WHERE hash = $1")
                .bind(hash.as_slice())
                .fetch_optional(&self.pool)
                .await
                .map_err(failed)?;
        Ok(found.map(|(user, key)| (UserId::new(user), ApiKeyId::new(key))))
    }

    async fn remove_api_key(&self, user: UserId, key: ApiKeyId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM souk_ops.api_key WHERE user_id = $1 AND key_id = $2")
            .bind(user.uuid())
            .bind(key.uuid())
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(())
    }
}

impl PostgresStore {
    /// Forgets the logins whose last refresh token expired before `now`; how many there were.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn prune_logins(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "DELETE FROM souk_ops.refresh_family AS family WHERE NOT EXISTS \
             (SELECT FROM souk_ops.refresh_token AS token WHERE token.family = family.family AND token.expires_at > $1)",
        )
        .bind(now)
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(done.rows_affected())
    }
}

async fn rotate(
    connection: &mut PgConnection,
    token: [u8; 32],
    next: [u8; 32],
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<Rotation, sqlx::Error> {
    let Some(Known { family, user, revoked, spent, expires_at: expired_at }) = lock(connection, token).await? else {
        return Ok(Rotation::Invalid);
    };
    let user = UserId::new(user);
    if revoked {
        return Ok(Rotation::Invalid);
    }
    // Asked before whether it has expired: a thief may have kept the family alive for longer than this token.
    if spent {
        sqlx::query("UPDATE souk_ops.refresh_family SET revoked_at = $2 WHERE family = $1")
            .bind(family)
            .bind(now)
            .execute(connection)
            .await?;
        return Ok(Rotation::Reused(user));
    }
    if expired_at <= now {
        return Ok(Rotation::Invalid);
    }
    sqlx::query("UPDATE souk_ops.refresh_token SET spent_at = $2 WHERE hash = $1")
        .bind(token.as_slice())
        .bind(now)
        .execute(&mut *connection)
        .await?;
    sqlx::query("INSERT INTO souk_ops.refresh_token (hash, family, expires_at) VALUES ($1, $2, $3)")
        .bind(next.as_slice())
        .bind(family)
        .bind(expires_at)
        .execute(connection)
        .await?;
    Ok(Rotation::Rotated(user))
}

/// Locks the family of `token`, then reads the token. The family comes first everywhere, so that nobody waits for each
/// other; the token is read by a statement of its own, which sees what the last holder of the lock did.
async fn lock(connection: &mut PgConnection, token: [u8; 32]) -> Result<Option<Known>, sqlx::Error> {
    let family: Option<(Uuid, Uuid, bool)> = sqlx::query_as(
        "SELECT family, user_id, revoked_at IS NOT NULL FROM souk_ops.refresh_family \
         WHERE family = (SELECT family FROM souk_ops.refresh_token WHERE hash = $1) FOR UPDATE",
    )
    .bind(token.as_slice())
    .fetch_optional(&mut *connection)
    .await?;
    let Some((family, user, revoked)) = family else { return Ok(None) };
    let token: Option<(bool, DateTime<Utc>)> =
        sqlx::query_as("SELECT spent_at IS NOT NULL, expires_at FROM souk_ops.refresh_token WHERE hash = $1")
            .bind(token.as_slice())
            .fetch_optional(connection)
            .await?;
    Ok(token.map(|(spent, expires_at)| Known { family, user, revoked, spent, expires_at }))
}
