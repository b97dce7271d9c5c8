//! Writing a generation that nobody reads yet, in large chunks: its keys and indexes are made when it is full.

use std::sync::Arc;

use souk_ports::Position;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use uuid::Uuid;

use crate::{Changes, Generation, Projection, apply::Failure, checkpoint::to_sql};

/// Memory that one connection may sort an index in.
const SORTING: &str = "128MB";

/// Writes all partitions of a building generation as one: it is read from the log, which has none.
#[derive(Clone)]
pub(super) struct Filler {
    pub pool: PgPool,
    pub projection: Arc<dyn Projection>,
    pub generation: Generation,
    pub partitions: usize,
}

impl Filler {
    /// Writes `changes` and moves the checkpoints from `after` to the event `last`, in one transaction; false when they are not
    /// there.
    pub async fn flush(
        &self,
        after: Position,
        last: (Position, Uuid),
        changes: Box<dyn Changes>,
    ) -> Result<bool, Failure> {
        let mut tx = self.pool.begin().await.map_err(Failure::of)?;
        let moved = sqlx::query(
            "UPDATE souk_ops.projection_checkpoint SET position = $4, event_position = $4, event_id = $5 \
             WHERE projection = $1 AND generation = $2 AND position = $3 AND NOT live",
        )
        .bind(&self.generation.projection)
        .bind(self.generation.generation)
        .bind(to_sql(after))
        .bind(to_sql(last.0))
        .bind(last.1)
        .execute(&mut *tx)
        .await
        .map_err(Failure::of)?;
        if moved.rows_affected() != self.partitions as u64 {
            return Ok(false);
        }
        self.generation.enter(&mut tx).await.map_err(Failure::of)?;
        if after == 0 {
            self.begin(&mut tx).await.map_err(Failure::of)?;
        }
        changes.flush(&mut tx).await.map_err(Failure::of)?;
        tx.commit().await.map_err(Failure::of)?;
        Ok(true)
    }

    /// Makes the tables new in this transaction: what is copied into them is then frozen at once, and a server whose WAL is
    /// minimal writes none for it. `souk.fresh` tells the flush. Keys that nobody looks for meanwhile are made last.
    async fn begin(&self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        let keys: Vec<(String, String, String)> = sqlx::query_as(include_str!("../sql/primary_keys.sql"))
            .bind(&self.generation.schema)
            .fetch_all(&mut *tx)
            .await?;
        let mut postponed = Vec::new();
        for (table, name, definition) in keys {
            if !self.projection.only_added().contains(&table.as_str()) {
                continue;
            }
            sqlx::raw_sql(AssertSqlSafe(format!("ALTER TABLE {table} DROP CONSTRAINT {name}")))
                .execute(&mut *tx)
                .await?;
            postponed.push(format!("ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"));
        }
        sqlx::query(
            "UPDATE souk_ops.projection_generation SET postponed = $3 WHERE projection = $1 AND generation = $2",
        )
        .bind(&self.generation.projection)
        .bind(self.generation.generation)
        .bind(&postponed)
        .execute(&mut *tx)
        .await?;
        let tables = self.projection.tables().join(", ");
        sqlx::raw_sql(AssertSqlSafe(format!("TRUNCATE {tables}"))).execute(&mut *tx).await?;
        sqlx::query("SELECT set_config('souk.fresh', 'on', true)").execute(tx).await?;
        Ok(())
    }

    /// Makes the primary keys that the load went without.
    async fn restore_keys(&self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        let postponed: Vec<String> = sqlx::query_scalar(
            "SELECT unnest(postponed) FROM souk_ops.projection_generation WHERE projection = $1 AND generation = $2",
        )
        .bind(&self.generation.projection)
        .bind(self.generation.generation)
        .fetch_all(&mut *tx)
        .await?;
        for statement in postponed {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *tx).await?;
        }
        Ok(())
    }

    /// Makes keys and secondary indexes, and tells the planner what the tables hold; once.
    pub async fn index(&self) -> Result<(), sqlx::Error> {
        let mut tx = self.pool.begin().await?;
        let indexed: bool = sqlx::query_scalar(
            "SELECT indexed FROM souk_ops.projection_generation WHERE projection = $1 AND generation = $2 FOR UPDATE",
        )
        .bind(&self.generation.projection)
        .bind(self.generation.generation)
        .fetch_one(&mut *tx)
        .await?;
        if indexed {
            return Ok(());
        }
        self.generation.enter(&mut tx).await?;
        prepare_sorting(&mut tx).await?;
        self.restore_keys(&mut tx).await?;
        sqlx::raw_sql(self.projection.index_sql()).execute(&mut *tx).await?;
        for table in self.projection.tables() {
            sqlx::raw_sql(AssertSqlSafe(format!("ANALYZE {table}"))).execute(&mut *tx).await?;
        }
        sqlx::query(
            "UPDATE souk_ops.projection_generation SET indexed = true, postponed = '{}' WHERE projection = $1 AND generation = $2",
        )
        .bind(&self.generation.projection)
        .bind(self.generation.generation)
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }
}

/// The projections that are built at once occupy all cores: workers of one sort would only take them from the others.
async fn prepare_sorting(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query(
        "SELECT set_config('maintenance_work_mem', $1, true), set_config('max_parallel_maintenance_workers', '0', true)",
    )
    .bind(SORTING)
    .execute(tx)
    .await?;
    Ok(())
}
