//! What PostgreSQL alone takes for a rebuild, whoever asks for it: handing out the events, taking in the finished rows, making keys,
//! indexes and statistics, and summing up the new tables and the old ones. Rows are new tables' and frozen, and as much runs at once
//! as there are cores: no rebuild that does these things through PostgreSQL is faster.
//!
//! And the same with what nobody who reads a log of JSON is spared: each event is decoded, once for all read models, and forgotten.
//! Nothing is folded, no row is made.

use std::{num::NonZero, sync::Arc, time::Instant};

use bytes::Bytes;
use futures::{
    StreamExt, TryStreamExt,
    future::BoxFuture,
    stream::{self},
};
use souk_log_postgres::PostgresLog;
use souk_ports::{EventLog, RecordedEvent};
use souk_projector::{Decoder, Envelope, Projection, sums};
use sqlx::{AssertSqlSafe, FromRow, PgPool};

use super::{floor, session::Session};
use crate::failure::Failure;

const SCHEMA: &str = "souk_bench_bound";
/// Events that are decoded at once.
const PAGE: usize = 250;
/// Pages that are decoded at once.
const DECODING: usize = 4;

/// A table of a live generation.
#[derive(FromRow)]
struct Table {
    schema: String,
    name: String,
    /// Those that are written, separated by commas.
    columns: String,
    /// `PRIMARY KEY (…)`
    key: String,
    /// The columns of it.
    key_columns: String,
    /// What stands behind `USING` in the definitions of its other indexes.
    indexes: Vec<String>,
}

const TABLES: &str = "SELECT n.nspname AS schema, c.relname AS name, \
     (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a \
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns, \
     pg_get_constraintdef(k.oid) AS key, \
     (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY p.place) FROM unnest(k.conkey) WITH ORDINALITY p (number, place) \
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.number) AS key_columns, \
     ARRAY(SELECT split_part(pg_get_indexdef(i.indexrelid), ' USING ', 2) FROM pg_index i \
      WHERE i.indrelid = c.oid AND NOT i.indisprimary) AS indexes \
     FROM souk_ops.projection_generation g \
     JOIN pg_namespace n ON n.nspname = g.schema_name \
     JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind = 'r' \
     JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p' \
     WHERE g.state = 'live' ORDER BY pg_table_size(c.oid) DESC";

/// A table, and its rows as `COPY` hands them out.
struct Filled {
    table: Table,
    rows: Vec<Bytes>,
}

/// What a rebuild takes at least, seconds.
pub struct Bound {
    /// For what PostgreSQL does.
    pub postgresql: f64,
    /// For that and for decoding the events.
    pub decoded: f64,
}

/// Does what a rebuild asks of PostgreSQL, twice: the log is read and thrown away, then read and decoded.
///
/// # Errors
/// The database failed.
pub async fn measure(session: &Session, pool: &PgPool) -> Result<Bound, Failure> {
    let tables: Vec<Table> = sqlx::query_as(TABLES).fetch_all(pool).await.map_err(Failure::new)?;
    let mut filled = Vec::new();
    for table in tables {
        filled.push(Filled { rows: hand_out(pool, &table).await?, table });
    }
    let log = PostgresLog::connect(pool.clone()).await.map_err(Failure::new)?;
    let handed = Box::pin(async { floor::copy_out(pool).await.map(drop) });
    let postgresql = all(session, pool, &filled, handed).await?;
    let decoded = all(session, pool, &filled, Box::pin(decode_all(&log))).await?;
    Ok(Bound { postgresql, decoded })
}

/// Reads the log by `reading`, and does the rest.
async fn all(
    session: &Session,
    pool: &PgPool,
    filled: &[Filled],
    reading: BoxFuture<'_, Result<(), Failure>>,
) -> Result<f64, Failure> {
    run(pool, &format!("DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")).await?;
    for Filled { table: Table { schema, name, .. }, .. } in filled {
        let like = format!("LIKE {schema}.{name} INCLUDING DEFAULTS INCLUDING GENERATED");
        run(pool, &format!("CREATE TABLE {SCHEMA}.{name} ({like})")).await?;
    }
    // What making them ready left to be written is not what is measured.
    session.checkpoint().await?;
    let started = Instant::now();
    let mut work = vec![reading];
    work.extend(filled.iter().map(|filled| Box::pin(take_in(pool, filled)) as BoxFuture<'_, _>));
    at_once(work).await?;
    at_once(filled.iter().map(|filled| Box::pin(index(pool, &filled.table)) as BoxFuture<'_, _>).collect()).await?;
    at_once(filled.iter().map(|filled| Box::pin(sum_up(pool, &filled.table)) as BoxFuture<'_, _>).collect()).await?;
    let elapsed = started.elapsed().as_secs_f64();
    run(pool, &format!("DROP SCHEMA {SCHEMA} CASCADE")).await?;
    Ok(elapsed)
}

/// Reads and decodes what any read model takes, page by page as a rebuild does.
async fn decode_all(log: &PostgresLog) -> Result<(), Failure> {
    let projections = Arc::new(souk_projections::all());
    let decoding = log.scan(0, PAGE).map_err(Failure::new).map_ok(|page| {
        let projections = Arc::clone(&projections);
        let task = tokio::spawn(async move { decode(&page, &projections) });
        async move { task.await.map_err(Failure::new)? }
    });
    decoding.try_buffered(DECODING).try_for_each(async |_| Ok(())).await
}

fn decode(page: &[RecordedEvent], projections: &[Arc<dyn Projection>]) -> Result<Vec<Envelope>, Failure> {
    let mut decoder = Decoder::default();
    let wanted = page.iter().filter(|event| projections.iter().any(|model| model.wants(event.stream.category)));
    wanted.map(|event| decoder.decode(event).map_err(Failure::new)).collect()
}

/// Does `work`, as much of it at once as there are cores.
async fn at_once(work: Vec<BoxFuture<'_, Result<(), Failure>>>) -> Result<(), Failure> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    stream::iter(work).buffer_unordered(cores).try_collect().await
}

async fn run(pool: &PgPool, sql: &str) -> Result<(), Failure> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(pool).await.map_err(Failure::new)?;
    Ok(())
}

async fn hand_out(pool: &PgPool, table: &Table) -> Result<Vec<Bytes>, Failure> {
    let Table { schema, name, columns, key_columns, .. } = table;
    let sql = format!("COPY (SELECT {columns} FROM {schema}.{name} ORDER BY {key_columns}) TO STDOUT (FORMAT binary)");
    let mut connection = pool.acquire().await.map_err(Failure::new)?;
    let rows = connection.copy_out_raw(&sql).await.map_err(Failure::new)?;
    rows.try_collect().await.map_err(Failure::new)
}

async fn take_in(pool: &PgPool, filled: &Filled) -> Result<(), Failure> {
    let Table { name, columns, .. } = &filled.table;
    let mut tx = souk_transaction::begin(pool).await.map_err(Failure::new)?;
    let truncate = format!("TRUNCATE {SCHEMA}.{name}");
    sqlx::raw_sql(AssertSqlSafe(truncate)).execute(&mut *tx).await.map_err(Failure::new)?;
    let sql = format!("COPY {SCHEMA}.{name} ({columns}) FROM STDIN (FORMAT binary, FREEZE)");
    let mut copying = tx.copy_in_raw(&sql).await.map_err(Failure::new)?;
    // As many rows at once as Souk sends.
    for rows in filled.rows.chunks(1_000) {
        copying.send(rows.concat()).await.map_err(Failure::new)?;
    }
    copying.finish().await.map_err(Failure::new)?;
    tx.commit().await.map_err(Failure::new)
}

async fn index(pool: &PgPool, table: &Table) -> Result<(), Failure> {
    let Table { name, key, indexes, .. } = table;
    let mut sql = format!("SET LOCAL maintenance_work_mem = '128MB'; ALTER TABLE {SCHEMA}.{name} ADD {key};");
    for index in indexes {
        sql.push_str(&format!("CREATE INDEX ON {SCHEMA}.{name} USING {index};"));
    }
    sql.push_str(&format!("SET LOCAL default_statistics_target = 10; ANALYZE {SCHEMA}.{name}"));
    run(pool, &sql).await
}

async fn sum_up(pool: &PgPool, table: &Table) -> Result<(), Failure> {
    let Table { schema, name, .. } = table;
    let mut tx = souk_transaction::begin(pool).await.map_err(Failure::new)?;
    sums(&mut tx, [SCHEMA, schema], name).await.map_err(Failure::new)?;
    tx.rollback().await.map_err(Failure::new)
}
