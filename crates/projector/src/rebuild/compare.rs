//! Comparing two generations, column by column, whatever the tables are.
//!
//! Each table is first summed up to the number of its rows and to a hash over all of them, which does not depend on their
//! order: that costs one pass over each. Only tables whose sums differ are joined, to find the rows.
//!
//! The hash of a row goes from column to column, each hashed with what came out before as its seed: PostgreSQL's own hash of a
//! record looks up again how to hash each column of each row.

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};

use super::report::{ColumnDifference, Difference, TableReport};
use crate::ProjectorError;

/// As many differences of a table as a report shows.
const SHOWN: i64 = 20;

/// Compares `tables` of the schemas `live` and `rebuilt`, in the snapshot that `connection` has.
pub(super) async fn tables(
    connection: &mut PgConnection,
    live: &str,
    rebuilt: &str,
    tables: &[&str],
) -> Result<Vec<TableReport>, ProjectorError> {
    let mut reports = Vec::new();
    for table in tables {
        reports.push(compare_table(connection, live, rebuilt, table).await?);
    }
    Ok(reports)
}

async fn compare_table(
    connection: &mut PgConnection,
    live: &str,
    rebuilt: &str,
    table: &str,
) -> Result<TableReport, ProjectorError> {
    let Summed { shared, other_columns, sums: [of_live, of_rebuilt] } =
        sum_both(connection, [live, rebuilt], table).await?;
    let (live, rebuilt) = (format!("{live}.{table}"), format!("{rebuilt}.{table}"));
    let rows: Vec<Row> = if of_live == of_rebuilt {
        Vec::new()
    } else {
        sqlx::query_as(AssertSqlSafe(comparison(&live, &rebuilt, &shared))).fetch_all(connection).await?
    };
    let differing = rows.first().map_or(0, |row| row.differing);
    let differences = rows.into_iter().map(Row::into_difference).collect();
    let (live_rows, rebuilt_rows) = (of_live.rows, of_rebuilt.rows);
    Ok(TableReport { table: table.to_owned(), live_rows, rebuilt_rows, other_columns, differing, differences })
}

/// What a table comes to.
#[derive(Debug, sqlx::FromRow, PartialEq, Eq)]
pub struct Sum {
    /// How many rows it has.
    pub rows: i64,
    /// The exclusive-or of the hashes of all rows.
    pub hash: i64,
}

/// What `table` comes to in each of two `schemas`, as a rebuild finds out whether they are equal. `connection` has to be in a
/// transaction.
///
/// # Errors
/// The database failed.
pub async fn sums(connection: &mut PgConnection, schemas: [&str; 2], table: &str) -> Result<[Sum; 2], ProjectorError> {
    Ok(sum_both(connection, schemas, table).await?.sums)
}

/// A table of two schemas, summed up by the columns that are in both.
struct Summed {
    shared: Vec<Column>,
    other_columns: Vec<String>,
    sums: [Sum; 2],
}

/// A table that is large has a second process, so that the last one does not leave a core alone.
async fn sum_both(connection: &mut PgConnection, schemas: [&str; 2], table: &str) -> Result<Summed, ProjectorError> {
    sqlx::query(
        "SELECT set_config('parallel_setup_cost', '0', true), set_config('parallel_tuple_cost', '0', true), \
         set_config('max_parallel_workers_per_gather', '1', true)",
    )
    .execute(&mut *connection)
    .await?;
    let [left, right] = schemas;
    let (of_left, of_right) = (columns(connection, left, table).await?, columns(connection, right, table).await?);
    let shared = shared(&of_left, &of_right);
    let other_columns = of_left
        .iter()
        .chain(&of_right)
        .filter(|column| shared.iter().all(|known| known.name != column.name))
        .map(|column| column.name.clone())
        .collect();
    let row = row_of(&shared);
    let sums = [
        sum(connection, &format!("{left}.{table}"), &row).await?,
        sum(connection, &format!("{right}.{table}"), &row).await?,
    ];
    Ok(Summed { shared, other_columns, sums })
}

#[derive(Clone, sqlx::FromRow)]
struct Column {
    name: String,
    in_key: bool,
    /// Whether its type has a hash of its own.
    hashable: bool,
    /// The function that hashes its values with a seed, where it takes the type as it is and none of them is null. Not of arrays:
    /// the hash of an empty one forgets the seed.
    hash: Option<String>,
}

/// The columns of `right` that `left` has as well.
fn shared(left: &[Column], right: &[Column]) -> Vec<Column> {
    let both = |column: &Column| {
        let other = left.iter().find(|other| other.name == column.name)?;
        Some(Column { hash: column.hash.clone().filter(|_| other.hash == column.hash), ..column.clone() })
    };
    right.iter().filter_map(both).collect()
}

async fn columns(connection: &mut PgConnection, schema: &str, table: &str) -> Result<Vec<Column>, ProjectorError> {
    let columns = sqlx::query_as(
        "SELECT quote_ident(a.attname) AS name, coalesce(a.attnum = ANY (i.indkey), false) AS in_key, \
         t.typcategory = 'A' OR EXISTS (SELECT FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod \
         WHERE m.amname = 'hash' AND o.opcintype = t.oid) AS hashable, \
         (SELECT p.amproc::text FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod \
         JOIN pg_amproc p ON p.amprocfamily = o.opcfamily AND p.amproclefttype = t.oid AND p.amprocrighttype = t.oid \
         JOIN pg_proc f ON f.oid = p.amproc \
         WHERE a.attnotnull AND m.amname = 'hash' AND o.opcdefault AND o.opcintype = t.oid AND p.amprocnum = 2 \
         AND f.proargtypes[0] = t.oid) AS hash \
         FROM pg_attribute a \
         JOIN pg_type t ON t.oid = a.atttypid \
         JOIN pg_class c ON c.oid = a.attrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary \
         WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
    )
    .bind(schema)
    .bind(table)
    .fetch_all(connection)
    .await?;
    Ok(columns)
}

/// An expression for the hash of these columns of a row `t`. Those that cannot be hashed by themselves are, as a record, what the
/// first of the others begins with.
fn row_of(columns: &[Column]) -> String {
    let (alone, others): (Vec<_>, Vec<_>) = columns.iter().partition(|column| column.hash.is_some());
    let value = |column: &&Column| format!("t.{}{}", column.name, if column.hashable { "" } else { "::text" });
    let record = others.iter().map(value).collect::<Vec<_>>().join(", ");
    let seed = if others.is_empty() { "0".to_owned() } else { format!("hash_record_extended(ROW({record}), 0)") };
    alone.iter().fold(seed, |seed, Column { name, hash, .. }| {
        format!("{}(t.{name}, {seed})", hash.as_deref().unwrap_or_default())
    })
}

/// Sums up the hashes `row` over `table`. Keys are unique, so that no two rows cancel each other out.
async fn sum(connection: &mut PgConnection, table: &str, row: &str) -> Result<Sum, ProjectorError> {
    let sql = format!("SELECT count(*) AS rows, coalesce(bit_xor({row}), 0) AS hash FROM {table} t");
    Ok(sqlx::query_as(AssertSqlSafe(sql)).fetch_one(connection).await?)
}

/// The rows that differ, the first ones by key, each with the number of all.
fn comparison(live: &str, rebuilt: &str, columns: &[Column]) -> String {
    let names =
        |in_key| columns.iter().filter(move |column| column.in_key == in_key).map(|column| column.name.as_str());
    let join = |parts: Vec<String>, by: &str| parts.join(by);
    let keys: Vec<&str> = names(true).collect();
    let same_key = join(keys.iter().map(|key| format!("l.{key} = r.{key}")).collect(), " AND ");
    let named = |key: &&str| format!("'{}', coalesce(l.{key}, r.{key})", key.trim_matches('"'));
    let key = join(keys.iter().map(named).collect(), ", ");
    let order = join(keys.iter().map(|key| format!("coalesce(l.{key}, r.{key})")).collect(), ", ");
    let first = keys.first().copied().unwrap_or_default();
    let differs = join(names(false).map(|name| format!(" OR l.{name} IS DISTINCT FROM r.{name}")).collect(), "");
    let which = join(
        names(false).map(|name| format!("CASE WHEN l.{name} IS DISTINCT FROM r.{name} THEN '{name}' END")).collect(),
        ", ",
    );
    format!(
        "SELECT count(*) OVER () AS differing, jsonb_build_object({key}) AS key, l.{first} IS NULL AS missing_live, \
         r.{first} IS NULL AS missing_rebuilt, array_remove(ARRAY[{which}]::text[], NULL) AS columns, \
         to_jsonb(l) AS live, to_jsonb(r) AS rebuilt \
         FROM {live} l FULL OUTER JOIN {rebuilt} r ON {same_key} \
         WHERE l.{first} IS NULL OR r.{first} IS NULL{differs} ORDER BY {order} LIMIT {SHOWN}"
    )
}

#[derive(sqlx::FromRow)]
struct Row {
    differing: i64,
    key: Value,
    missing_live: bool,
    missing_rebuilt: bool,
    columns: Vec<String>,
    live: Option<Value>,
    rebuilt: Option<Value>,
}

impl Row {
    fn into_difference(self) -> Difference {
        let Self { key, missing_live, missing_rebuilt, columns, live, rebuilt, .. } = self;
        let both = !missing_live && !missing_rebuilt;
        let value = |row: &Option<Value>, column: &str| {
            row.as_ref().and_then(|row| row.get(column.trim_matches('"'))).cloned().unwrap_or_default()
        };
        let columns = columns.into_iter().filter(|_| both).map(|column| ColumnDifference {
            live: value(&live, &column),
            rebuilt: value(&rebuilt, &column),
            column,
        });
        Difference { key, missing_live, missing_rebuilt, columns: columns.collect() }
    }
}
