//! Generations: the tables of a projection, once per rebuild, each in a schema of its own.

use std::{sync::Arc, time::Duration};

use sqlx::{AssertSqlSafe, Connection, PgConnection, PgExecutor, PgPool};

use crate::{Projection, ProjectorError};

/// One generation of a projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// The projection.
    pub projection: String,
    /// Counts from 1.
    pub generation: i32,
    /// The schema that holds its tables.
    pub schema: String,
    /// The version of the projection that writes it.
    pub version: i32,
}

#[derive(sqlx::FromRow)]
struct Row {
    projection: String,
    generation: i32,
    schema_name: String,
    schema_version: i32,
}

impl From<Row> for Generation {
    fn from(row: Row) -> Self {
        let Row { projection, generation, schema_name: schema, schema_version: version } = row;
        Self { projection, generation, schema, version }
    }
}

const COLUMNS: &str = "SELECT projection, generation, schema_name, schema_version FROM souk_ops.projection_generation";

impl Generation {
    /// The live generation of `projection`.
    pub(crate) async fn live(pool: &PgPool, projection: &str) -> Result<Self, ProjectorError> {
        let sql = format!("{COLUMNS} WHERE projection = $1 AND state = 'live'");
        let row: Option<Row> = sqlx::query_as(AssertSqlSafe(sql)).bind(projection).fetch_optional(pool).await?;
        row.map(Self::from).ok_or_else(|| ProjectorError::NoGeneration(projection.to_owned()))
    }

    /// The next generation of `projection` in `state`, its tables empty, its checkpoints at 0. Secondary indexes come later.
    pub(crate) async fn create(
        connection: &mut PgConnection,
        projection: &dyn Projection,
        partitions: i32,
        state: &'static str,
    ) -> Result<Self, ProjectorError> {
        let mut tx = connection.begin().await?;
        let name = projection.name();
        let row: Row = sqlx::query_as(include_str!("sql/create_generation.sql"))
            .bind(name)
            .bind(projection.version())
            .bind(state)
            .fetch_one(&mut *tx)
            .await?;
        let generation = Self::from(row);
        sqlx::query(
            "INSERT INTO souk_ops.projection_checkpoint (projection, generation, partition, position, live) \
             SELECT $1, $2, n, 0, $4 = 'live' FROM generate_series(0, $3 - 1) AS n",
        )
        .bind(name)
        .bind(generation.generation)
        .bind(partitions)
        .bind(state)
        .execute(&mut *tx)
        .await?;
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE SCHEMA {}", generation.schema))).execute(&mut *tx).await?;
        generation.enter(&mut tx).await?;
        sqlx::raw_sql(projection.schema_sql()).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(generation)
    }

    /// From how many partitions of the feed it is written.
    pub(crate) async fn partitions(&self, executor: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar(
            "SELECT count(*) FROM souk_ops.projection_checkpoint WHERE projection = $1 AND generation = $2",
        )
        .bind(&self.projection)
        .bind(self.generation)
        .fetch_one(executor)
        .await
    }

    /// Makes unqualified names mean this generation's until the end of the transaction. The transaction's commit does not
    /// wait for the disk: what a crash takes back, checkpoint included, is folded again.
    pub(crate) async fn enter(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::query("SELECT set_config('search_path', $1, true), set_config('synchronous_commit', 'off', true)")
            .bind(&self.schema)
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Creates the secondary indexes, and tells the planner what the tables hold.
    pub(crate) async fn index(&self, pool: &PgPool, projection: &dyn Projection) -> Result<(), sqlx::Error> {
        let mut tx = pool.begin().await?;
        self.enter(&mut tx).await?;
        sqlx::raw_sql(projection.index_sql()).execute(&mut *tx).await?;
        for table in projection.tables() {
            sqlx::raw_sql(AssertSqlSafe(format!("ANALYZE {table}"))).execute(&mut *tx).await?;
        }
        tx.commit().await
    }

    /// Drops the tables, without waiting long for who still reads them, and remembers the number. Leaves a live generation
    /// alone: a rebuild that was cancelled at the last moment may have swapped it in.
    pub(crate) async fn drop_schema(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut tx = pool.begin().await?;
        let dropped = sqlx::query(
            "UPDATE souk_ops.projection_generation SET state = 'dropped', retired_at = coalesce(retired_at, now()) \
             WHERE projection = $1 AND generation = $2 AND state <> 'live'",
        )
        .bind(&self.projection)
        .bind(self.generation)
        .execute(&mut *tx)
        .await?;
        if dropped.rows_affected() == 0 {
            return Ok(());
        }
        sqlx::query("SELECT set_config('lock_timeout', '2s', true)").execute(&mut *tx).await?;
        sqlx::raw_sql(AssertSqlSafe(format!("DROP SCHEMA IF EXISTS {} CASCADE", self.schema)))
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM souk_ops.projection_checkpoint WHERE projection = $1 AND generation = $2")
            .bind(&self.projection)
            .bind(self.generation)
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    }
}

/// Creates a first, empty, live generation of each projection that has none, and converts the checkpoints of those that were
/// written from another number of `partitions`. Several processes may do so at once.
///
/// # Errors
/// The database failed, or checkpoints cannot be converted: see [`ProjectorError::WrongPartitions`].
pub async fn migrate(
    pool: &PgPool,
    projections: &[Arc<dyn Projection>],
    partitions: u32,
) -> Result<(), ProjectorError> {
    let partitions = i32::try_from(partitions.max(1)).unwrap_or(i32::MAX);
    let mut connection = pool.acquire().await?;
    sqlx::query("SELECT pg_advisory_lock(hashtext('souk projections migrate'))").execute(&mut *connection).await?;
    let migrated = migrate_locked(&mut connection, projections, partitions).await;
    sqlx::query("SELECT pg_advisory_unlock(hashtext('souk projections migrate'))").execute(&mut *connection).await?;
    migrated
}

async fn migrate_locked(
    connection: &mut PgConnection,
    projections: &[Arc<dyn Projection>],
    partitions: i32,
) -> Result<(), ProjectorError> {
    for projection in projections {
        let exists: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM souk_ops.projection_generation WHERE projection = $1 AND state = 'live')",
        )
        .bind(projection.name())
        .fetch_one(&mut *connection)
        .await?;
        if exists {
            repartition(connection, projection.name(), partitions).await?;
        } else {
            create_live(connection, projection.as_ref(), partitions).await?;
        }
    }
    Ok(())
}

/// Gives the live generation as many checkpoints as there are partitions. Only where all of them stand at one position is it
/// known which events are applied, however they are dealt out from there on.
async fn repartition(connection: &mut PgConnection, projection: &str, partitions: i32) -> Result<(), ProjectorError> {
    let mut tx = connection.begin().await?;
    let rows: Vec<(i32, i64)> = sqlx::query_as(
        "SELECT generation, position FROM souk_ops.projection_checkpoint WHERE projection = $1 AND live \
         ORDER BY partition FOR UPDATE",
    )
    .bind(projection)
    .fetch_all(&mut *tx)
    .await?;
    let Some((generation, position)) = rows.first() else { return Ok(()) };
    if i32::try_from(rows.len()) == Ok(partitions) {
        return Ok(());
    }
    if rows.iter().any(|(_, other)| other != position) {
        return Err(ProjectorError::WrongPartitions {
            projection: projection.to_owned(),
            known: i64::try_from(rows.len()).unwrap_or(i64::MAX),
            given: partitions.unsigned_abs(),
        });
    }
    sqlx::query("DELETE FROM souk_ops.projection_checkpoint WHERE projection = $1 AND generation = $2")
        .bind(projection)
        .bind(generation)
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "INSERT INTO souk_ops.projection_checkpoint (projection, generation, partition, position, live) \
         SELECT $1, $2, n, $4, true FROM generate_series(0, $3 - 1) AS n",
    )
    .bind(projection)
    .bind(generation)
    .bind(partitions)
    .bind(position)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    tracing::info!(projection, before = rows.len(), partitions, position, "converted the checkpoints of a read model");
    Ok(())
}

/// An empty table is indexed at once.
async fn create_live(
    connection: &mut PgConnection,
    projection: &dyn Projection,
    partitions: i32,
) -> Result<(), ProjectorError> {
    let mut tx = connection.begin().await?;
    let generation = Generation::create(&mut tx, projection, partitions, "live").await?;
    generation.enter(&mut tx).await?;
    sqlx::raw_sql(projection.index_sql()).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Drops the tables of generations that were replaced longer than `grace` ago; how many. One that is still being read is
/// left for the next time.
///
/// # Errors
/// The database failed.
pub async fn housekeeping(pool: &PgPool, grace: Duration) -> Result<usize, ProjectorError> {
    let sql = format!("{COLUMNS} WHERE state = 'retired' AND retired_at < now() - make_interval(secs => $1)");
    let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(sql)).bind(grace.as_secs_f64()).fetch_all(pool).await?;
    let mut dropped = 0;
    for generation in rows.into_iter().map(Generation::from) {
        match generation.drop_schema(pool).await {
            Ok(()) => {
                tracing::info!(schema = generation.schema, "dropped the tables of a replaced generation");
                dropped += 1;
            }
            Err(error) => {
                tracing::warn!(schema = generation.schema, %error, "a replaced generation could not be dropped yet")
            }
        }
    }
    Ok(dropped)
}

/// Drops the generations of `projection` that a rebuild left unfinished. The caller holds the rebuild's lock.
pub(crate) async fn discard_unfinished(pool: &PgPool, projection: &str) -> Result<(), ProjectorError> {
    let sql = format!("{COLUMNS} WHERE projection = $1 AND state = 'building'");
    let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(sql)).bind(projection).fetch_all(pool).await?;
    for generation in rows.into_iter().map(Generation::from) {
        generation.drop_schema(pool).await?;
    }
    Ok(())
}
