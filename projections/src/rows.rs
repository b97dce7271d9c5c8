//! Many rows in one statement.

use serde::Serialize;
use sqlx::{PgConnection, types::Json};

use crate::copy::{Load, Row, try_copy};

/// As many rows as one statement takes as JSON.
const ROWS: usize = 20_000;

/// Runs `sql` with `rows` as its only parameter, a JSON array for `jsonb_to_recordset`; several times when there are very
/// many. No rows, no statement.
pub(crate) async fn write<T: Serialize + Sync>(
    connection: &mut PgConnection,
    sql: &'static str,
    rows: &[T],
) -> Result<(), sqlx::Error> {
    for rows in rows.chunks(ROWS) {
        sqlx::query(sql).bind(Json(rows)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Writes `rows` that are probably new: as a copy where that is worth it, and by `sql`, which knows what to do about those
/// that exist, where it is not or cannot be.
pub(crate) async fn insert<T: Row + Serialize + Sync>(
    connection: &mut PgConnection,
    load: Load,
    sql: &'static str,
    rows: &[T],
) -> Result<(), sqlx::Error> {
    let copied = load != Load::Small && !rows.is_empty() && try_copy(connection, load, rows).await?;
    if copied { Ok(()) } else { write(connection, sql, rows).await }
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
