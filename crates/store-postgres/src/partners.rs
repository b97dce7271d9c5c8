//! What is kept of partners beside their events.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use souk_domain::id::{PartnerId, PartnerKeyId};
use souk_ports::{
    log::Position,
    partner::{Cursor, Delivery, Hook, HookState, PartnerStore, Standing},
    store::StoreError,
};
use uuid::Uuid;

use crate::{PostgresStore, failed, impossible, seconds, stored};

/// Keeps two webhooks of one partner from being counted at the same time.
const LOCK: i32 = 1_886_548_852;

/// The columns of a [`HookRow`].
const COLUMNS: &str = "webhook, partner, url, types, secret, previous_secret, previous_until, disabled, position, attempts, \
                       next_attempt_at, generation, created_at";

type HookRow = (
    Uuid,
    Uuid,
    String,
    Vec<String>,
    Vec<u8>,
    Option<Vec<u8>>,
    Option<DateTime<Utc>>,
    Option<String>,
    i64,
    i32,
    DateTime<Utc>,
    i64,
    DateTime<Utc>,
);

fn hook(row: HookRow) -> Result<Hook, StoreError> {
    let (id, partner, url, types, secret, before, until, disabled, position, attempts, next, generation, created) = row;
    Ok(Hook {
        id,
        partner: partner.into(),
        url,
        types: types.into_iter().collect(),
        secret,
        previous: before.zip(until),
        state: disabled.map_or(HookState::Enabled, HookState::Disabled),
        position: position.try_into().map_err(|_| impossible("partner_webhook", "position", id))?,
        attempts: attempts.try_into().map_err(|_| impossible("partner_webhook", "attempts", id))?,
        next_attempt_at: next,
        generation,
        created_at: created,
    })
}

const fn disabled(state: &HookState) -> Option<&String> {
    match state {
        HookState::Enabled => None,
        HookState::Disabled(reason) => Some(reason),
    }
}

fn small(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

type DeliveryRow = (i64, Uuid, Uuid, String, Option<i64>, i32, bool, Option<i16>, Option<String>, DateTime<Utc>, i32);

fn delivery(row: DeliveryRow) -> Result<(u64, Delivery), StoreError> {
    let (number, hook, event, event_type, position, attempt, delivered, status, problem, at, duration) = row;
    let odd = |column| move |_| impossible("partner_delivery", column, number);
    let delivery = Delivery {
        hook,
        event,
        event_type,
        position: position.map(Position::try_from).transpose().map_err(odd("position"))?,
        attempt: attempt.try_into().map_err(odd("attempt"))?,
        delivered,
        status: status.map(u16::try_from).transpose().map_err(odd("status"))?,
        problem,
        at,
        duration_ms: duration.try_into().map_err(odd("duration_ms"))?,
    };
    Ok((number.try_into().map_err(odd("number"))?, delivery))
}

#[async_trait]
impl PartnerStore for PostgresStore {
    async fn note(&self, partner: PartnerId) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO souk_ops.partner (partner) VALUES ($1) ON CONFLICT (partner) DO NOTHING")
            .bind(partner.uuid())
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn noted(&self, after: Option<PartnerId>, limit: usize) -> Result<Vec<PartnerId>, StoreError> {
        let found: Vec<Uuid> = sqlx::query_scalar(
            "SELECT partner FROM souk_ops.partner WHERE $1::uuid IS NULL OR partner > $1 ORDER BY partner LIMIT $2",
        )
        .bind(after.map(PartnerId::uuid))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        Ok(found.into_iter().map(Into::into).collect())
    }

    async fn add_key(&self, partner: PartnerId, key: PartnerKeyId, hash: [u8; 32]) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO souk_ops.partner_key (hash, partner, key) VALUES ($1, $2, $3) \
             ON CONFLICT (key) DO UPDATE SET hash = EXCLUDED.hash",
        )
        .bind(hash.as_slice())
        .bind(partner.uuid())
        .bind(key.uuid())
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn key(&self, hash: [u8; 32]) -> Result<Option<(PartnerId, PartnerKeyId)>, StoreError> {
        let found: Option<(Uuid, Uuid)> =
            sqlx::query_as("SELECT partner, key FROM souk_ops.partner_key WHERE hash = $1")
                .bind(hash.as_slice())
                .fetch_optional(&self.pool)
                .await
                .map_err(failed)?;
        Ok(found.map(|(partner, key)| (partner.into(), key.into())))
    }

    async fn remove_key(&self, partner: PartnerId, key: PartnerKeyId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM souk_ops.partner_key WHERE partner = $1 AND key = $2")
            .bind(partner.uuid())
            .bind(key.uuid())
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn read_up_to(&self, partner: PartnerId, position: Position) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO souk_ops.partner_cursor (partner, position) VALUES ($1, $2) \
             ON CONFLICT (partner) DO UPDATE SET position = EXCLUDED.position, at = now()",
        )
        .bind(partner.uuid())
        .bind(stored(position)?)
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn cursor(&self, partner: PartnerId) -> Result<Option<Cursor>, StoreError> {
        let found: Option<(i64, DateTime<Utc>)> =
            sqlx::query_as("SELECT position, at FROM souk_ops.partner_cursor WHERE partner = $1")
                .bind(partner.uuid())
                .fetch_optional(&self.pool)
                .await
                .map_err(failed)?;
        let odd = |_| impossible("partner_cursor", "position", partner);
        found.map(|(position, at)| Ok(Cursor { position: position.try_into().map_err(odd)?, at })).transpose()
    }

    async fn add_hook(&self, hook: &Hook, most: u32) -> Result<bool, StoreError> {
        let mut transaction = souk_transaction::begin(&self.pool).await.map_err(failed)?;
        sqlx::query("SELECT pg_advisory_xact_lock($1, hashtext($2))")
            .bind(LOCK)
            .bind(hook.partner.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        sqlx::query(
            "INSERT INTO souk_ops.partner_webhook (webhook, partner, url, types, secret, position, next_attempt_at, created_at) \
             SELECT $1, $2, $3, $4, $5, $6, $7, $8 \
             WHERE (SELECT count(*) FROM souk_ops.partner_webhook WHERE partner = $2) < $9 \
             ON CONFLICT (webhook) DO NOTHING",
        )
        .bind(hook.id)
        .bind(hook.partner.uuid())
        .bind(&hook.url)
        .bind(hook.types.iter().cloned().collect::<Vec<_>>())
        .bind(&hook.secret)
        .bind(stored(hook.position)?)
        .bind(hook.next_attempt_at)
        .bind(hook.created_at)
        .bind(i64::from(most))
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        let there: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM souk_ops.partner_webhook WHERE webhook = $1 AND partner = $2)",
        )
        .bind(hook.id)
        .bind(hook.partner.uuid())
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(there)
    }

    async fn hooks(&self, partner: PartnerId) -> Result<Vec<Hook>, StoreError> {
        let query = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM souk_ops.partner_webhook WHERE partner = $1 ORDER BY created_at, webhook"
        ));
        let rows: Vec<HookRow> =
            sqlx::query_as(query).bind(partner.uuid()).fetch_all(&self.pool).await.map_err(failed)?;
        rows.into_iter().map(hook).collect()
    }

    async fn hook(&self, partner: PartnerId, id: Uuid) -> Result<Option<Hook>, StoreError> {
        let query = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM souk_ops.partner_webhook WHERE partner = $1 AND webhook = $2"
        ));
        let row: Option<HookRow> =
            sqlx::query_as(query).bind(partner.uuid()).bind(id).fetch_optional(&self.pool).await.map_err(failed)?;
        row.map(hook).transpose()
    }

    async fn change_hook(&self, hook: &Hook) -> Result<bool, StoreError> {
        let (before, until) = hook.previous.clone().unzip();
        let done = sqlx::query(include_str!("../sql/change_hook.sql"))
            .bind(hook.id)
            .bind(hook.partner.uuid())
            .bind(hook.generation)
            .bind(hook.types.iter().cloned().collect::<Vec<_>>())
            .bind(&hook.secret)
            .bind(before)
            .bind(until)
            .bind(disabled(&hook.state))
            .bind(stored(hook.position)?)
            .bind(small(hook.attempts))
            .bind(hook.next_attempt_at)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(done.rows_affected() == 1)
    }

    async fn remove_hook(&self, partner: PartnerId, hook: Uuid) -> Result<bool, StoreError> {
        let done = sqlx::query("DELETE FROM souk_ops.partner_webhook WHERE partner = $1 AND webhook = $2")
            .bind(partner.uuid())
            .bind(hook)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(done.rows_affected() == 1)
    }

    async fn claim_hooks(&self, holder: Uuid, ttl: Duration, limit: usize) -> Result<Vec<Hook>, StoreError> {
        let query = sqlx::AssertSqlSafe(format!(
            "UPDATE souk_ops.partner_webhook SET holder = $1, held_until = now() + make_interval(secs => $2) \
             WHERE webhook IN (SELECT webhook FROM souk_ops.partner_webhook \
                               WHERE disabled IS NULL AND (held_until IS NULL OR held_until <= now()) \
                               ORDER BY webhook LIMIT $3 FOR UPDATE SKIP LOCKED) \
             RETURNING {COLUMNS}"
        ));
        let rows: Vec<HookRow> = sqlx::query_as(query)
            .bind(holder)
            .bind(seconds(ttl))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        rows.into_iter().map(hook).collect()
    }

    async fn keep_hook(&self, hook: &Hook, holder: Uuid, ttl: Duration) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE souk_ops.partner_webhook SET held_until = now() + make_interval(secs => $4) \
             WHERE webhook = $1 AND holder = $2 AND generation = $3 AND disabled IS NULL",
        )
        .bind(hook.id)
        .bind(holder)
        .bind(hook.generation)
        .bind(seconds(ttl))
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(done.rows_affected() == 1)
    }

    async fn settle_hook(&self, hook: &Hook, holder: Uuid, ttl: Duration, to: &Standing) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE souk_ops.partner_webhook SET held_until = now() + make_interval(secs => $4), position = $5, \
             attempts = $6, next_attempt_at = $7, disabled = $8 \
             WHERE webhook = $1 AND holder = $2 AND generation = $3 AND disabled IS NULL",
        )
        .bind(hook.id)
        .bind(holder)
        .bind(hook.generation)
        .bind(seconds(ttl))
        .bind(stored(to.position)?)
        .bind(small(to.attempts))
        .bind(to.next_attempt_at)
        .bind(disabled(&to.state))
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(done.rows_affected() == 1)
    }

    async fn release_hook(&self, hook: Uuid, holder: Uuid) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE souk_ops.partner_webhook SET holder = NULL, held_until = NULL WHERE webhook = $1 AND holder = $2",
        )
        .bind(hook)
        .bind(holder)
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn log_delivery(&self, delivery: &Delivery) -> Result<(), StoreError> {
        // A webhook that was deleted meanwhile has no log any more.
        sqlx::query(include_str!("../sql/log_delivery.sql"))
            .bind(delivery.hook)
            .bind(delivery.event)
            .bind(&delivery.event_type)
            .bind(delivery.position.map(stored).transpose()?)
            .bind(small(delivery.attempt))
            .bind(delivery.delivered)
            .bind(delivery.status.and_then(|status| i16::try_from(status).ok()))
            .bind(&delivery.problem)
            .bind(delivery.at)
            .bind(small(delivery.duration_ms))
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn deliveries(
        &self,
        hook: Uuid,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Delivery)>, StoreError> {
        let rows: Vec<DeliveryRow> = sqlx::query_as(
            "SELECT number, webhook, event, event_type, position, attempt, delivered, status, problem, at, duration_ms \
             FROM souk_ops.partner_delivery WHERE webhook = $1 AND number < $2 ORDER BY number DESC LIMIT $3",
        )
        .bind(hook)
        .bind(before.and_then(|before| i64::try_from(before).ok()).unwrap_or(i64::MAX))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        rows.into_iter().map(delivery).collect()
    }

    async fn forget_deliveries(&self, age: Duration) -> Result<u64, StoreError> {
        let done = sqlx::query("DELETE FROM souk_ops.partner_delivery WHERE at < now() - make_interval(secs => $1)")
            .bind(seconds(age))
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(done.rows_affected())
    }
}
