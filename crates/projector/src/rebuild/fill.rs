//! Writing a generation that nobody reads yet, in large chunks: its keys and indexes are made when it is full.

use std::{collections::BTreeMap, sync::Arc};

use souk_ports::Position;
use souk_transaction::begin;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use uuid::Uuid;

use crate::{Changes, Generation, Projection, Tables, apply::Failure, checkpoint::to_sql, tables::Filling};

/// Memory that one connection may sort an index in.
const SORTING: &str = "128MB";

/// How closely the planner is told what the tables hold, as `default_statistics_target`: enough for lookups by key, which is what
/// read models answer with.
const SAMPLED: &str = "10";

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
        let mut tx = begin(&self.pool).await.map_err(Failure::of)?;
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
        self.write(&mut tx, after == 0, changes).await.map_err(Failure::of)?;
        tx.commit().await.map_err(Failure::of)?;
        Ok(true)
    }

    async fn write(&self, tx: &mut PgConnection, fresh: bool, changes: Box<dyn Changes>) -> Result<(), sqlx::Error> {
        let keyless = if fresh { self.begin(tx).await? } else { self.keyless(tx).await? };
        let missing = keyless.len();
        let mut tables = Tables::filling(&mut *tx, Filling { fresh, keyless: by_table(keyless) });
        changes.flush(&mut tables).await?;
        let keyless = tables.keyless();
        if fresh || keyless.len() != missing {
            self.set_keyless(tx, &keyless).await?;
        }
        Ok(())
    }

    /// Makes the tables new in this transaction: what is copied into them is then frozen at once, and a server whose WAL is
    /// minimal writes none for it. Drops their keys; gives what makes them again.
    async fn begin(&self, tx: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
        let keys: Vec<(String, String, String)> = sqlx::query_as(include_str!("../sql/primary_keys.sql"))
            .bind(&self.generation.schema)
            .fetch_all(&mut *tx)
            .await?;
        let mut keyless = Vec::new();
        for (table, name, definition) in keys {
            sqlx::raw_sql(AssertSqlSafe(format!("ALTER TABLE {table} DROP CONSTRAINT {name}")))
                .execute(&mut *tx)
                .await?;
            keyless.push(format!("{MAKE_KEY}{table} ADD CONSTRAINT {name} {definition}"));
        }
        let tables = self.projection.tables().join(", ");
        sqlx::raw_sql(AssertSqlSafe(format!("TRUNCATE {tables}"))).execute(&mut *tx).await?;
        Ok(keyless)
    }

    /// What makes the keys that the tables are without.
    async fn keyless(&self, tx: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
        sqlx::query_scalar(
            "SELECT unnest(postponed) FROM souk_ops.projection_generation WHERE projection = $1 AND generation = $2",
        )
        .bind(&self.generation.projection)
        .bind(self.generation.generation)
        .fetch_all(tx)
        .await
    }

    async fn set_keyless(&self, tx: &mut PgConnection, statements: &[String]) -> Result<(), sqlx::Error> {
        sqlx::query(
            "UPDATE souk_ops.projection_generation SET postponed = $3 WHERE projection = $1 AND generation = $2",
        )
        .bind(&self.generation.projection)
        .bind(self.generation.generation)
        .bind(statements)
        .execute(tx)
        .await?;
        Ok(())
    }

    /// Makes all keys that the tables are still without.
    pub async fn key(&self) -> Result<(), sqlx::Error> {
        let mut tx = begin(&self.pool).await?;
        self.generation.enter(&mut tx).await?;
        self.restore_keys(&mut tx).await?;
        tx.commit().await
    }

    async fn restore_keys(&self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        prepare_sorting(&mut *tx).await?;
        for statement in self.keyless(tx).await? {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *tx).await?;
        }
        self.set_keyless(tx, &[]).await
    }

    /// Makes keys and secondary indexes, and tells the planner what the tables hold; once.
    pub async fn index(&self) -> Result<(), sqlx::Error> {
        let mut tx = begin(&self.pool).await?;
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
        self.restore_keys(&mut tx).await?;
        sqlx::raw_sql(self.projection.index_sql()).execute(&mut *tx).await?;
        sqlx::query("SELECT set_config('default_statistics_target', $1, true)").bind(SAMPLED).execute(&mut *tx).await?;
        for table in self.projection.tables() {
            sqlx::raw_sql(AssertSqlSafe(format!("ANALYZE {table}"))).execute(&mut *tx).await?;
        }
        sqlx::query(
            "UPDATE souk_ops.projection_generation SET indexed = true WHERE projection = $1 AND generation = $2",
        )
        .bind(&self.generation.projection)
        .bind(self.generation.generation)
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }
}

/// How a statement begins that makes a key; then comes the table.
const MAKE_KEY: &str = "ALTER TABLE ";

fn by_table(statements: Vec<String>) -> BTreeMap<String, String> {
    let table = |statement: &str| statement.strip_prefix(MAKE_KEY)?.split(' ').next().map(str::to_owned);
    statements.into_iter().filter_map(|statement| Some((table(&statement)?, statement))).collect()
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
