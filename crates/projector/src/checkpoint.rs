//! How far a generation has come.

use souk_ports::Position;
use sqlx::{PgConnection, PgExecutor};

use crate::Generation;

/// One partition of one generation.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoint {
    pub generation: Generation,
    pub partition: i32,
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

    /// Moves from `from` to `to`; false when somebody else moved it, or the generation became or ceased to be live.
    pub async fn advance(
        &self,
        connection: &mut PgConnection,
        from: Position,
        to: Position,
        live: bool,
    ) -> Result<bool, sqlx::Error> {
        let done = sqlx::query(
            "UPDATE souk_ops.projection_checkpoint SET position = $5 \
             WHERE projection = $1 AND generation = $2 AND partition = $3 AND position = $4 AND live = $6",
        )
        .bind(&self.generation.projection)
        .bind(self.generation.generation)
        .bind(self.partition)
        .bind(to_sql(from))
        .bind(to_sql(to))
        .bind(live)
        .execute(connection)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
