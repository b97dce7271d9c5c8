//! Many rows in one statement.

use serde::Serialize;
use sqlx::{PgConnection, types::Json};

/// Runs `sql` with `rows` as its only parameter, a JSON array for `jsonb_to_recordset`. No rows, no statement.
pub(crate) async fn write<T: Serialize + Sync>(
    connection: &mut PgConnection,
    sql: &'static str,
    rows: &[T],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(sql).bind(Json(rows)).execute(connection).await?;
    Ok(())
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
