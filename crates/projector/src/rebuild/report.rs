//! What a rebuild found.

use std::{fmt, time::Duration};

use serde::Serialize;
use serde_json::Value;
use souk_ports::Position;

/// What became of a rebuild.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RebuildOutcome {
    /// Whether the new generations serve now.
    pub swapped: bool,
    /// Position of the last event that was folded.
    pub position: Position,
    /// How long it took.
    pub elapsed: Duration,
    /// How the new generations compare with the ones that were live.
    pub reports: Vec<ProjectionReport>,
}

/// How a new generation compares with the live one.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectionReport {
    /// The projection.
    pub projection: String,
    /// The new generation.
    pub generation: i32,
    /// Where both stood when they were compared.
    pub position: Position,
    /// Why they were not compared, if they were not.
    pub not_compared: Option<String>,
    /// Why a difference is no surprise: another version of the projection, or an operator's decision since. None when there is
    /// no such reason.
    pub reason: Option<String>,
    /// Table by table.
    pub tables: Vec<TableReport>,
}

impl ProjectionReport {
    /// Whether they were compared and every column of every table is the same.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.not_compared.is_none() && self.tables.iter().all(TableReport::is_equal)
    }

    /// Whether they are equal, or there is a declared reason why they may not be.
    #[must_use]
    pub fn is_expected(&self) -> bool {
        self.is_equal() || self.reason.is_some()
    }
}

/// How a table compares.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TableReport {
    /// The table.
    pub table: String,
    /// Rows of the live one.
    pub live_rows: i64,
    /// Rows of the rebuilt one.
    pub rebuilt_rows: i64,
    /// Columns that only one of them has.
    pub other_columns: Vec<String>,
    /// Rows that differ, or that only one of them has.
    pub differing: i64,
    /// The first of them, by key.
    pub differences: Vec<Difference>,
}

impl TableReport {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.differing == 0 && self.other_columns.is_empty()
    }
}

/// A row that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Its primary key, by column.
    pub key: Value,
    /// Whether only the rebuilt table has it.
    pub missing_live: bool,
    /// Whether only the live table has it.
    pub missing_rebuilt: bool,
    /// The columns that differ, when both have it.
    pub columns: Vec<ColumnDifference>,
}

/// A column that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnDifference {
    /// The column.
    pub column: String,
    /// What the live table has.
    pub live: Value,
    /// What the rebuilt table has.
    pub rebuilt: Value,
}

impl ProjectionReport {
    fn write_reason(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.as_ref().map_or(Ok(()), |reason| write!(f, "\n  as declared: {reason}"))
    }
}

impl fmt::Display for ProjectionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(reason) = &self.not_compared {
            write!(f, "{}: not compared: {reason}", self.projection)?;
            return self.write_reason(f);
        }
        let rows: i64 = self.tables.iter().map(|table| table.rebuilt_rows).sum();
        if self.is_equal() {
            return write!(
                f,
                "{}: equal at position {}: {} tables, {rows} rows",
                self.projection,
                self.position,
                self.tables.len()
            );
        }
        write!(f, "{}: differs at position {}", self.projection, self.position)?;
        self.write_reason(f)?;
        self.tables.iter().filter(|table| !table.is_equal()).try_for_each(|table| write!(f, "\n  {table}"))
    }
}

impl fmt::Display for TableReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {}: {} of {} rows differ", self.table, self.differing, self.live_rows.max(self.rebuilt_rows))?;
        for column in &self.other_columns {
            write!(f, "\n    column {column} is in one generation only")?;
        }
        for difference in &self.differences {
            write!(f, "\n    {difference}")?;
        }
        let shown = i64::try_from(self.differences.len()).unwrap_or(i64::MAX);
        if self.differing > shown { write!(f, "\n    and {} more", self.differing - shown) } else { Ok(()) }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {}", self.key)?;
        if self.missing_live {
            return write!(f, ": only in the rebuilt generation");
        }
        if self.missing_rebuilt {
            return write!(f, ": only in the live generation");
        }
        self.columns.iter().try_for_each(|column| {
            write!(
                f,
                ": {} is {} live and {} rebuilt",
                column.column,
                shortened(&column.live),
                shortened(&column.rebuilt)
            )
        })
    }
}

/// Values can be whole descriptions.
fn shortened(value: &Value) -> String {
    const SHOWN: usize = 120;
    let text = value.to_string();
    if text.chars().count() <= SHOWN { text } else { text.chars().take(SHOWN).chain(['…']).collect() }
}
