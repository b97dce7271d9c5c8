//! Many rows in one statement.

use std::collections::BTreeMap;

use serde::Serialize;
use souk_projector::Tables;
use sqlx::types::Json;

use crate::copy::{LARGE, Row, Rows, copy};

/// As many rows as one statement takes as JSON.
const ROWS: usize = 20_000;

/// Runs `sql`, which looks for rows of `table` by its key, with `rows` as its only parameter, a JSON array for
/// `jsonb_to_recordset`; several times when there are very many. No rows, no statement.
pub(crate) async fn write<T: Serialize + Sync>(
    tables: &mut Tables<'_>,
    table: &str,
    sql: &'static str,
    rows: &[T],
) -> Result<(), sqlx::Error> {
    if !rows.is_empty() {
        tables.key(table).await?;
    }
    for rows in rows.chunks(ROWS) {
        tables
            .run(sql, |values| {
                values.bind(Json(rows));
            })
            .await?;
    }
    Ok(())
}

/// Writes `rows` that are new, since their streams begin with them: as a copy where that is worth it, else by `sql`.
pub(crate) async fn insert<T: Row + Serialize + Send + Sync>(
    tables: &mut Tables<'_>,
    sql: &'static str,
    rows: Rows<'_, T>,
) -> Result<(), sqlx::Error> {
    if tables.are_filled() {
        return copy(tables, rows).await;
    }
    let rows: Vec<T> = rows.collect();
    if rows.len() >= LARGE { copy(tables, each(rows)).await } else { write(tables, T::TARGET.0, sql, &rows).await }
}

/// `rows`, one by one.
pub(crate) fn each<'a, T>(rows: impl IntoIterator<Item = T, IntoIter: Send + 'a>) -> Rows<'a, T> {
    Box::new(rows.into_iter())
}

/// The rows that are new, one by one, and the others. There may be very many new ones, and few others.
pub(crate) fn split<'a, K: Sync, T: Sync>(
    rows: &'a BTreeMap<K, T>,
    is_new: impl Fn(&T) -> bool + Copy + Send + 'a,
) -> (Rows<'a, &'a T>, Vec<&'a T>) {
    (each(rows.values().filter(move |row| is_new(row))), rows.values().filter(|row| !is_new(row)).collect())
}

/// About how much memory `count` of `T` take, each with as many bytes of `texts`, in a map that is not quite full.
pub(crate) const fn held<T>(count: usize, texts: usize) -> usize {
    count * (size_of::<T>() * 3 / 2 + texts)
}

/// The name that serde gives a unit variant, e.g. `mcp_server`.
pub(crate) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        other => other.map(|value| value.to_string()).unwrap_or_default(),
    }
}

/// A `u64` of an event as PostgreSQL stores it; what does not fit is capped, which no event reaches.
pub(crate) fn big(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
