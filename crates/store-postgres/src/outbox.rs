//! Mails that wait to be sent, and what became of those before.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use souk_domain::id::UserId;
use souk_ports::{
    notice::{Behind, Claimed, Kind, MailState, Mailing, Outbox, Settled},
    store::StoreError,
};
use uuid::Uuid;

use crate::{PostgresStore, failed, impossible, notices::notice, seconds};

/// A row of `mail` for operators: notice, person, kind, state, attempts, queued_at, due_at, problem.
type Row = (Uuid, Uuid, String, String, i32, DateTime<Utc>, DateTime<Utc>, Option<String>);

const MAILS: &str = "SELECT notice, person, kind, state, attempts, queued_at, due_at, problem \
                     FROM souk_ops.mail JOIN souk_ops.notice USING (notice)";

fn attempts(id: Uuid, stored: i32) -> Result<u32, StoreError> {
    u32::try_from(stored).map_err(|_| impossible("mail", "attempts", id))
}

fn mailing((id, user, kind, state, tried, queued_at, due_at, problem): Row) -> Result<Mailing, StoreError> {
    let kind = Kind::named(&kind).ok_or_else(|| impossible("notice", "kind", id))?;
    let known = MailState::ALL.into_iter().find(|known| known.as_str() == state);
    let state = known.ok_or_else(|| impossible("mail", "state", id))?;
    let attempts = attempts(id, tried)?;
    Ok(Mailing { id, user: UserId::new(user), kind, state, attempts, queued_at, due_at, problem })
}

#[async_trait]
impl Outbox for PostgresStore {
    async fn claim_mails(&self, claim: Uuid, limit: u32, lease: Duration) -> Result<Vec<Claimed>, StoreError> {
        let rows: Vec<(Uuid, Uuid, String, Value, DateTime<Utc>, bool, i32, f64)> =
            sqlx::query_as(include_str!("../sql/claim_mail.sql"))
                .bind(claim)
                .bind(i64::from(limit))
                .bind(seconds(lease))
                .fetch_all(&self.pool)
                .await
                .map_err(failed)?;
        rows.into_iter()
            .map(|(id, user, kind, details, at, read, tried, waited)| {
                Ok(Claimed {
                    notice: notice((id, user, kind, details, at, read))?,
                    attempts: attempts(id, tried)?,
                    waited: Duration::try_from_secs_f64(waited).unwrap_or_default(),
                })
            })
            .collect()
    }

    async fn settle(&self, id: Uuid, claim: Uuid, settled: Settled) -> Result<bool, StoreError> {
        let (state, after, problem) = match settled {
            Settled::Sent => (MailState::Sent, Duration::ZERO, None),
            Settled::Later(after, why) => (MailState::Waiting, after, Some(why)),
            Settled::Failed(why) => (MailState::Failed, Duration::ZERO, Some(why)),
            Settled::Dropped(why) => (MailState::Dropped, Duration::ZERO, Some(why)),
        };
        let done = sqlx::query(
            "UPDATE souk_ops.mail SET state = $3, problem = $5, claim = NULL, claimed_until = NULL, \
                 due_at = CASE WHEN $3 = 'waiting' THEN clock_timestamp() + make_interval(secs => $4) ELSE due_at END \
             WHERE notice = $1 AND claim = $2 AND state = 'waiting'",
        )
        .bind(id)
        .bind(claim)
        .bind(state.as_str())
        .bind(seconds(after))
        // PostgreSQL keeps no NUL in a text.
        .bind(problem.map(|problem| problem.replace('\0', "\u{fffd}")))
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(done.rows_affected() == 1)
    }

    async fn mails(&self, state: Option<MailState>, behind: Behind, limit: u32) -> Result<Vec<Mailing>, StoreError> {
        let sql = format!(
            "{MAILS} WHERE ($1::text IS NULL OR state = $1) \
             AND ($2::timestamptz IS NULL OR (queued_at, notice) < ($2, $3)) \
             ORDER BY queued_at DESC, notice DESC LIMIT $4"
        );
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(state.map(MailState::as_str))
            .bind(behind.map(|(at, _)| at))
            .bind(behind.map(|(_, id)| id))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        rows.into_iter().map(mailing).collect()
    }

    async fn mail(&self, id: Uuid) -> Result<Option<Mailing>, StoreError> {
        let sql = format!("{MAILS} WHERE notice = $1");
        let row: Option<Row> =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(&self.pool).await.map_err(failed)?;
        row.map(mailing).transpose()
    }

    async fn retry(&self, id: Uuid) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE souk_ops.mail SET state = 'waiting', attempts = 0, waits_since = clock_timestamp(), \
                 due_at = clock_timestamp() WHERE notice = $1 AND state = 'failed'",
        )
        .bind(id)
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(done.rows_affected() == 1)
    }
}
