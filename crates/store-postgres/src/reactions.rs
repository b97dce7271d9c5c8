//! Checkpoints, leases and parked events of reactions.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use souk_ports::{
    log::Position,
    store::{Parked, Progress, ReactionStore, StoreError},
};
use uuid::Uuid;

use crate::{PostgresStore, failed, impossible, seconds, stored};

/// A row of `reaction_checkpoint`: reaction, position, event_position, event_id.
type Row = (String, i64, Option<i64>, Option<Uuid>);

fn progress((reaction, position, at, event): Row) -> Result<(String, Progress), StoreError> {
    let read = |column, value: i64| {
        Position::try_from(value).map_err(|_| impossible("reaction_checkpoint", column, &reaction))
    };
    let at = at.map(|at| read("event_position", at)).transpose()?;
    let progress = Progress { position: read("position", position)?, last: at.zip(event) };
    Ok((reaction, progress))
}

#[async_trait]
impl ReactionStore for PostgresStore {
    async fn checkpoint(&self, reaction: &str, start: Position) -> Result<Progress, StoreError> {
        sqlx::query(
            "INSERT INTO souk_ops.reaction_checkpoint (reaction, position) VALUES ($1, $2) \
             ON CONFLICT (reaction) DO NOTHING",
        )
        .bind(reaction)
        .bind(stored(start)?)
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        let row: Row = sqlx::query_as(
            "SELECT reaction, position, event_position, event_id FROM souk_ops.reaction_checkpoint WHERE reaction = $1",
        )
        .bind(reaction)
        .fetch_one(&self.pool)
        .await
        .map_err(failed)?;
        Ok(progress(row)?.1)
    }

    async fn checkpoints(&self) -> Result<BTreeMap<String, Progress>, StoreError> {
        let rows: Vec<Row> =
            sqlx::query_as("SELECT reaction, position, event_position, event_id FROM souk_ops.reaction_checkpoint")
                .fetch_all(&self.pool)
                .await
                .map_err(failed)?;
        rows.into_iter().map(progress).collect()
    }

    async fn lease(&self, reaction: &str, holder: Uuid, ttl: Duration) -> Result<bool, StoreError> {
        let done = sqlx::query(include_str!("../sql/lease.sql"))
            .bind(reaction)
            .bind(holder)
            .bind(seconds(ttl))
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(done.rows_affected() == 1)
    }

    async fn unlease(&self, reaction: &str, holder: Uuid) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM souk_ops.reaction_lease WHERE reaction = $1 AND holder = $2")
            .bind(reaction)
            .bind(holder)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn advance(&self, reaction: &str, holder: Uuid, to: Progress) -> Result<bool, StoreError> {
        let at = to.last.map(|(position, _)| stored(position)).transpose()?;
        let done = sqlx::query(include_str!("../sql/advance.sql"))
            .bind(reaction)
            .bind(holder)
            .bind(stored(to.position)?)
            .bind(at)
            .bind(to.last.map(|(_, event)| event))
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(done.rows_affected() == 1)
    }

    async fn rewind(&self, reaction: &str, position: Position) -> Result<bool, StoreError> {
        let done = sqlx::query(include_str!("../sql/rewind.sql"))
            .bind(reaction)
            .bind(stored(position)?)
            .bind(Uuid::nil())
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(done.rows_affected() == 1)
    }

    async fn park(&self, parked: Parked) -> Result<(), StoreError> {
        // PostgreSQL keeps no NUL in a text, and a reason may quote anything.
        let reason = parked.reason.replace('\0', "\u{fffd}");
        sqlx::query(include_str!("../sql/park.sql"))
            .bind(parked.reaction)
            .bind(stored(parked.position)?)
            .bind(parked.event)
            .bind(reason)
            .bind(i32::try_from(parked.attempts).unwrap_or(i32::MAX))
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn parked(&self, reaction: Option<&str>) -> Result<Vec<Parked>, StoreError> {
        let rows: Vec<(String, i64, Uuid, String, i32)> = sqlx::query_as(
            "SELECT reaction, position, event, reason, attempts FROM souk_ops.reaction_parked \
             WHERE $1::text IS NULL OR reaction = $1 ORDER BY position, reaction",
        )
        .bind(reaction)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        rows.into_iter()
            .map(|(reaction, position, event, reason, attempts)| {
                let wrong = |column| impossible("reaction_parked", column, format_args!("{reaction}, {position}"));
                let attempts = u32::try_from(attempts).map_err(|_| wrong("attempts"))?;
                let position = Position::try_from(position).map_err(|_| wrong("position"))?;
                Ok(Parked { reaction, position, event, reason, attempts })
            })
            .collect()
    }

    async fn unpark(&self, reaction: &str, position: Position) -> Result<bool, StoreError> {
        let done = sqlx::query("DELETE FROM souk_ops.reaction_parked WHERE reaction = $1 AND position = $2")
            .bind(reaction)
            .bind(stored(position)?)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(done.rows_affected() == 1)
    }
}
