//! Inboxes and what persons want to hear of.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use souk_domain::id::UserId;
use souk_ports::{
    notice::{Behind, Category, Choice, Delivery, Kind, Notice, Notices, Preferences, Read},
    store::StoreError,
};
use uuid::Uuid;

use crate::{PostgresStore, failed, impossible, seconds};

/// A row of `notice`: notice, person, kind, details, happened, whether it was read.
pub(crate) type Row = (Uuid, Uuid, String, Value, DateTime<Utc>, bool);

pub(crate) fn notice((id, user, kind, details, at, read): Row) -> Result<Notice, StoreError> {
    let kind = Kind::named(&kind).ok_or_else(|| impossible("notice", "kind", id))?;
    Ok(Notice { id, user: UserId::new(user), kind, details, at, read })
}

#[async_trait]
impl Notices for PostgresStore {
    async fn deliver(&self, batch: &[Delivery], round: Option<(Uuid, UserId)>) -> Result<u64, StoreError> {
        let ids: Vec<Uuid> = batch.iter().map(|delivery| delivery.notice.id).collect();
        let users: Vec<Uuid> = batch.iter().map(|delivery| delivery.notice.user.uuid()).collect();
        let kinds: Vec<&str> = batch.iter().map(|delivery| delivery.notice.kind.as_str()).collect();
        let details: Vec<&Value> = batch.iter().map(|delivery| &delivery.notice.details).collect();
        let times: Vec<DateTime<Utc>> = batch.iter().map(|delivery| delivery.notice.at).collect();
        let shown: Vec<bool> = batch.iter().map(|delivery| delivery.in_app).collect();
        let mailed: Vec<bool> = batch.iter().map(|delivery| delivery.mail).collect();
        let new: i64 = sqlx::query_scalar(include_str!("../sql/deliver.sql"))
            .bind(ids)
            .bind(users)
            .bind(kinds)
            .bind(details)
            .bind(times)
            .bind(shown)
            .bind(mailed)
            .bind(round.map(|(event, _)| event))
            .bind(round.map(|(_, user)| user.uuid()))
            .fetch_one(&self.pool)
            .await
            .map_err(failed)?;
        Ok(new.unsigned_abs())
    }

    async fn round(&self, event: Uuid) -> Result<Option<UserId>, StoreError> {
        let found = sqlx::query_scalar("SELECT person FROM souk_ops.notice_round WHERE event = $1");
        let found: Option<Uuid> = found.bind(event).fetch_optional(&self.pool).await.map_err(failed)?;
        Ok(found.map(UserId::new))
    }

    async fn preferences(&self, users: &[UserId]) -> Result<BTreeMap<UserId, Preferences>, StoreError> {
        let users: Vec<Uuid> = users.iter().map(|user| user.uuid()).collect();
        let rows: Vec<(Uuid, String, bool, bool)> =
            sqlx::query_as("SELECT person, category, in_app, email FROM souk_ops.notice_choice WHERE person = ANY($1)")
                .bind(users)
                .fetch_all(&self.pool)
                .await
                .map_err(failed)?;
        let mut chosen: BTreeMap<UserId, Preferences> = BTreeMap::new();
        for (user, category, in_app, email) in rows {
            let found = Category::ALL.into_iter().find(|known| known.as_str() == category);
            let category = found.ok_or_else(|| impossible("notice_choice", "category", user))?;
            chosen.entry(UserId::new(user)).or_default().0.insert(category, Choice { in_app, email });
        }
        Ok(chosen)
    }

    async fn choose(&self, user: UserId, choices: &Preferences) -> Result<(), StoreError> {
        let categories: Vec<&str> = choices.0.keys().map(|category| category.as_str()).collect();
        let shown: Vec<bool> = choices.0.values().map(|choice| choice.in_app).collect();
        let mailed: Vec<bool> = choices.0.values().map(|choice| choice.email).collect();
        sqlx::query(
            "INSERT INTO souk_ops.notice_choice (person, category, in_app, email) \
             SELECT $1, * FROM unnest($2::text[], $3::boolean[], $4::boolean[]) \
             ON CONFLICT (person, category) DO UPDATE SET in_app = excluded.in_app, email = excluded.email",
        )
        .bind(user.uuid())
        .bind(categories)
        .bind(shown)
        .bind(mailed)
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn inbox(&self, user: UserId, unread: bool, behind: Behind, limit: u32) -> Result<Vec<Notice>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT notice, person, kind, details, happened, read_at IS NOT NULL FROM souk_ops.notice \
             WHERE person = $1 AND in_app AND (NOT $2 OR read_at IS NULL) \
               AND ($3::timestamptz IS NULL OR (happened, notice) < ($3, $4)) \
             ORDER BY happened DESC, notice DESC LIMIT $5",
        )
        .bind(user.uuid())
        .bind(unread)
        .bind(behind.map(|(at, _)| at))
        .bind(behind.map(|(_, id)| id))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        rows.into_iter().map(notice).collect()
    }

    async fn unread(&self, user: UserId) -> Result<u64, StoreError> {
        let count: i64 =
            sqlx::query_scalar("SELECT count(*) FROM souk_ops.notice WHERE person = $1 AND in_app AND read_at IS NULL")
                .bind(user.uuid())
                .fetch_one(&self.pool)
                .await
                .map_err(failed)?;
        Ok(count.unsigned_abs())
    }

    async fn notice(&self, user: UserId, id: Uuid) -> Result<Option<Notice>, StoreError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT notice, person, kind, details, happened, read_at IS NOT NULL FROM souk_ops.notice \
             WHERE notice = $1 AND person = $2 AND in_app",
        )
        .bind(id)
        .bind(user.uuid())
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)?;
        row.map(notice).transpose()
    }

    async fn read(&self, user: UserId, what: Read) -> Result<u64, StoreError> {
        let (one, upto) = match what {
            Read::One(id) => (Some(id), None),
            Read::UpTo(at) => (None, Some(at)),
        };
        let done = sqlx::query(
            "UPDATE souk_ops.notice SET read_at = now() \
             WHERE person = $1 AND in_app AND read_at IS NULL AND (notice = $2 OR happened <= $3)",
        )
        .bind(user.uuid())
        .bind(one)
        .bind(upto)
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(done.rows_affected())
    }

    async fn forget_person(&self, user: UserId) -> Result<(), StoreError> {
        sqlx::query(
            "WITH choices AS (DELETE FROM souk_ops.notice_choice WHERE person = $1) \
             DELETE FROM souk_ops.notice WHERE person = $1",
        )
        .bind(user.uuid())
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn forget_notices(&self, age: Duration) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "WITH rounds AS (DELETE FROM souk_ops.notice_round WHERE came_at < now() - make_interval(secs => $1)) \
             DELETE FROM souk_ops.notice WHERE happened < now() - make_interval(secs => $1)",
        )
        .bind(seconds(age))
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(done.rows_affected())
    }
}
