//! How far a generation has come.

use souk_ports::{EventLog, Position};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::{Generation, ProjectorError};

/// One partition of one generation.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoint {
    pub generation: Generation,
    pub partition: i32,
}

/// A step of a checkpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    /// Where it must be.
    pub after: Position,
    /// Where it goes.
    pub to: Position,
    /// The last event on the way; none when there was none, or nobody knows.
    pub last: Option<(Position, Uuid)>,
}

/// Positions fit: the log counts events.
pub(crate) fn to_sql(position: Position) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

pub(crate) fn from_sql(position: i64) -> Position {
    position.unsigned_abs()
}

impl Checkpoint {
    /// The position, and whether the generation is live; none when the generation is gone.
    pub async fn read(&self, executor: impl PgExecutor<'_>) -> Result<Option<(Position, bool)>, sqlx::Error> {
        let row: Option<(i64, bool)> = sqlx::query_as(
            "SELECT position, live FROM souk_ops.projection_checkpoint \
             WHERE projection = $1 AND generation = $2 AND partition = $3",
        )
        .bind(&self.generation.projection)
        .bind(self.generation.generation)
        .bind(self.partition)
        .fetch_optional(executor)
        .await?;
        Ok(row.map(|(position, live)| (from_sql(position), live)))
    }

    /// Moves along `mark`, and makes unqualified names mean the generation's until the end of the transaction, whose commit does not
    /// wait for the disk (see [`Generation::enter`]); false when somebody else moved it, or the generation became or ceased to be
    /// live, or has not (any more) so many `partitions`.
    pub async fn advance(
        &self,
        connection: &mut PgConnection,
        mark: Mark,
        live: bool,
        partitions: Option<u32>,
    ) -> Result<bool, sqlx::Error> {
        let moved: bool = sqlx::query_scalar(include_str!("sql/advance.sql"))
            .bind(&self.generation.projection)
            .bind(self.generation.generation)
            .bind(self.partition)
            .bind(to_sql(mark.after))
            .bind(to_sql(mark.to))
            .bind(live)
            .bind(mark.last.map(|(position, _)| to_sql(position)))
            .bind(mark.last.map(|(_, event)| event))
            .bind(partitions.map(i64::from))
            .bind(&self.generation.schema)
            .fetch_one(connection)
            .await?;
        Ok(moved)
    }

    /// Whether `log` still holds what was applied: it goes as far as the checkpoint, and has the same event where the last one
    /// was. Otherwise says in words what is wrong.
    pub async fn contradiction(
        &self,
        executor: impl PgExecutor<'_>,
        log: &dyn EventLog,
    ) -> Result<Option<String>, ProjectorError> {
        let row: Option<(i64, Option<i64>, Option<Uuid>)> = sqlx::query_as(
            "SELECT position, event_position, event_id FROM souk_ops.projection_checkpoint \
             WHERE projection = $1 AND generation = $2 AND partition = $3",
        )
        .bind(&self.generation.projection)
        .bind(self.generation.generation)
        .bind(self.partition)
        .fetch_optional(executor)
        .await?;
        let Some((position, event_position, event)) = row else { return Ok(None) };
        let (position, head) = (from_sql(position), log.head().await?);
        let repair = "a backup was restored; rebuild the read model";
        if position > head {
            return Ok(Some(format!(
                "checkpoint_ahead: the checkpoint is at position {position}, but the log ends at {head}: {repair}"
            )));
        }
        let (Some(at), Some(event)) = (event_position.map(from_sql), event) else { return Ok(None) };
        let found = log.read_at(&[at]).await?.first().map(|event| event.id);
        if found == Some(event) {
            return Ok(None);
        }
        let found = found.map_or_else(|| "none".to_owned(), |id| id.to_string());
        Ok(Some(format!("other_log: event {event} was applied at position {at}, where the log has {found}: {repair}")))
    }

    /// Says why nobody follows from here, or that all is well again; whether that is news.
    pub async fn set_trouble(&self, executor: impl PgExecutor<'_>, trouble: Option<&str>) -> Result<bool, sqlx::Error> {
        let done = sqlx::query(
            "UPDATE souk_ops.projection_checkpoint SET trouble = $4 \
             WHERE projection = $1 AND generation = $2 AND partition = $3 AND trouble IS DISTINCT FROM $4",
        )
        .bind(&self.generation.projection)
        .bind(self.generation.generation)
        .bind(self.partition)
        .bind(trouble)
        .execute(executor)
        .await?;
        Ok(done.rows_affected() > 0)
    }
}
