//! Generations: the tables of a projection, once per rebuild, each in a schema of its own.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use souk_ports::Position;
use souk_transaction::begin;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgExecutor, PgPool};

use crate::{
    Projection, ProjectorError,
    checkpoint::{from_sql, to_sql},
};

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
    /// Positions that an operator had skipped when it was begun: it was built without them.
    pub skipped: BTreeSet<Position>,
}

#[derive(sqlx::FromRow)]
struct Row {
    projection: String,
    generation: i32,
    schema_name: String,
    schema_version: i32,
    skipped: Vec<i64>,
}

impl From<Row> for Generation {
    fn from(row: Row) -> Self {
        let Row { projection, generation, schema_name: schema, schema_version: version, skipped } = row;
        Self { projection, generation, schema, version, skipped: skipped.into_iter().map(from_sql).collect() }
    }
}

const COLUMNS: &str =
    "SELECT projection, generation, schema_name, schema_version, skipped FROM souk_ops.projection_generation";

impl Generation {
    /// The live generation of `projection`.
    pub(crate) async fn live(pool: &PgPool, projection: &str) -> Result<Self, ProjectorError> {
        let sql = format!("{COLUMNS} WHERE projection = $1 AND state = 'live'");
        let row: Option<Row> = sqlx::query_as(AssertSqlSafe(sql)).bind(projection).fetch_optional(pool).await?;
        row.map(Self::from).ok_or_else(|| ProjectorError::NoGeneration(projection.to_owned()))
    }

    /// The generation of `projection` that a rebuild left unfinished, the last one when there are several.
    pub(crate) async fn unfinished(pool: &PgPool, projection: &str) -> Result<Option<Self>, ProjectorError> {
        let sql = format!("{COLUMNS} WHERE projection = $1 AND state = 'building' ORDER BY generation DESC LIMIT 1");
        let row: Option<Row> = sqlx::query_as(AssertSqlSafe(sql)).bind(projection).fetch_optional(pool).await?;
        Ok(row.map(Self::from))
    }

    /// The next generation of `projection` in `state`, its tables empty, its checkpoints at 0. Secondary indexes come later. For
    /// a transaction, whose `search_path` is then that of the generation.
    pub(crate) async fn create(
        tx: &mut PgConnection,
        projection: &dyn Projection,
        partitions: i32,
        state: &'static str,
        skipped: &BTreeSet<Position>,
    ) -> Result<Self, ProjectorError> {
        let name = projection.name();
        let row: Row = sqlx::query_as(include_str!("sql/create_generation.sql"))
            .bind(name)
            .bind(projection.version())
            .bind(state)
            .bind(skipped.iter().copied().map(to_sql).collect::<Vec<_>>())
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
        generation.enter(tx).await?;
        sqlx::raw_sql(projection.schema_sql()).execute(tx).await?;
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

    /// Drops the tables, without waiting long for who still reads them, and remembers the number. Leaves a live generation
    /// alone: a rebuild that was cancelled at the last moment may have swapped it in.
    pub(crate) async fn drop_schema(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut tx = begin(pool).await?;
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

/// How often a statement that still works on tables which are to go is looked for.
const LOOKS: u32 = 100;

impl Generation {
    /// Ends what a rebuild that is over left running on the tables of this generation, which nobody else uses: a statement does
    /// not notice that its program was killed.
    pub(crate) async fn take_over(&self, pool: &PgPool) -> Result<(), ProjectorError> {
        for look in 0..LOOKS {
            let others: i64 = sqlx::query_scalar(include_str!("sql/end_workers.sql"))
                .bind(&self.schema)
                .bind(look.is_multiple_of(10))
                .fetch_one(pool)
                .await?;
            if others == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Drops an unfinished generation, and ends what still works on it.
    pub(crate) async fn discard(&self, pool: &PgPool) -> Result<(), ProjectorError> {
        self.take_over(pool).await?;
        Ok(self.drop_schema(pool).await?)
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
    for projection in projections {
        let mut tx = begin(pool).await?;
        sqlx::query("SELECT pg_advisory_xact_lock(hashtext('souk projections migrate'))").execute(&mut *tx).await?;
        let exists: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM souk_ops.projection_generation WHERE projection = $1 AND state = 'live')",
        )
        .bind(projection.name())
        .fetch_one(&mut *tx)
        .await?;
        if exists {
            repartition(&mut tx, projection.name(), partitions).await?;
        } else {
            create_live(&mut tx, projection.as_ref(), partitions).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Gives the live generation as many checkpoints as there are partitions. Only where all of them stand at one position is it
/// known which events are applied, however they are dealt out from there on.
async fn repartition(tx: &mut PgConnection, projection: &str, partitions: i32) -> Result<(), ProjectorError> {
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
    .execute(tx)
    .await?;
    tracing::info!(projection, before = rows.len(), partitions, position, "converted the checkpoints of a read model");
    Ok(())
}

/// An empty table is indexed at once.
async fn create_live(
    tx: &mut PgConnection,
    projection: &dyn Projection,
    partitions: i32,
) -> Result<(), ProjectorError> {
    Generation::create(tx, projection, partitions, "live", &BTreeSet::new()).await?;
    sqlx::raw_sql(projection.index_sql()).execute(tx).await?;
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

/// Drops the generations that a rebuild left unfinished, when nobody works on them and nobody did for `age`; how many. Whoever
/// was to go on with them did not come.
///
/// # Errors
/// The database failed.
pub async fn discard_abandoned(pool: &PgPool, age: Duration) -> Result<usize, ProjectorError> {
    let sql = format!(
        "{COLUMNS} g WHERE state = 'building' AND created_at < now() - make_interval(secs => $1) AND NOT EXISTS (\
         SELECT FROM souk_ops.projection_rebuild r WHERE g.projection = ANY (r.projections) \
         AND r.updated_at >= now() - make_interval(secs => $1))"
    );
    let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(sql)).bind(age.as_secs_f64()).fetch_all(pool).await?;
    let mut dropped = 0;
    for generation in rows.into_iter().map(Generation::from) {
        let mut lock = RebuildLock::open(pool).await?;
        if lock.take(&generation.projection).await? {
            generation.discard(pool).await?;
            tracing::info!(schema = generation.schema, "dropped the tables of a rebuild that nobody went on with");
            dropped += 1;
        }
        lock.release().await;
    }
    Ok(dropped)
}

/// Sees to it that a projection is rebuilt once at a time, whichever process does it. Lives as long as its connection.
pub(crate) struct RebuildLock(PgConnection);

impl RebuildLock {
    pub async fn open(pool: &PgPool) -> Result<Self, ProjectorError> {
        Ok(Self(pool.acquire().await?.detach()))
    }

    /// Whether the lock of `projection` could be had.
    pub async fn take(&mut self, projection: &str) -> Result<bool, ProjectorError> {
        Ok(sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtext('souk rebuild ' || $1))")
            .bind(projection)
            .fetch_one(&mut self.0)
            .await?)
    }

    /// The server notices the end of a connection a little later: who begins again at once must find the locks open.
    pub async fn release(mut self) {
        let _ = sqlx::query("SELECT pg_advisory_unlock_all()").execute(&mut self.0).await;
        let _ = self.0.close().await;
    }
}
