//! Rows as `COPY … FROM STDIN (FORMAT binary)` takes them.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use souk_projector::Tables;
use uuid::Uuid;

/// A signature of 11 bytes, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const END: i16 = -1;
const NULL: i32 = -1;
/// PostgreSQL's number of the type of texts in arrays.
const TEXT_OID: u32 = 25;
/// As many bytes are sent at once.
const SENT: usize = 256 << 10;
/// PostgreSQL counts from the year 2000.
const EPOCH_SECONDS: i64 = 946_684_800;

/// A row that is written whole.
pub(crate) trait Row {
    /// Its table, and the columns in the order of the fields, separated by commas.
    const TARGET: (&'static str, &'static str);

    /// Writes as many fields as there are columns, in their types.
    fn put(&self, fields: &mut Fields<'_>);
}

impl<T: Row> Row for &T {
    const TARGET: (&'static str, &'static str) = T::TARGET;

    fn put(&self, fields: &mut Fields<'_>) {
        T::put(self, fields);
    }
}

/// Rows, one by one. The compiler cannot tell that a future may be sent which holds iterators with closures, so they are boxed.
pub(crate) type Rows<'a, T> = Box<dyn Iterator<Item = T> + Send + 'a>;

/// Where the fields of a row go.
pub(crate) struct Fields<'a> {
    out: &'a mut Vec<u8>,
    count: i16,
}

impl Fields<'_> {
    fn field(&mut self, bytes: &[u8]) -> &mut Self {
        self.count += 1;
        self.out.extend_from_slice(&length(bytes.len()));
        self.out.extend_from_slice(bytes);
        self
    }

    pub fn null(&mut self) -> &mut Self {
        self.count += 1;
        self.out.extend_from_slice(&NULL.to_be_bytes());
        self
    }

    /// A field that may be absent.
    pub fn maybe<T>(&mut self, value: Option<T>, put: impl FnOnce(&mut Self, T)) -> &mut Self {
        match value {
            Some(value) => put(self, value),
            None => {
                self.null();
            }
        }
        self
    }

    pub fn uuid(&mut self, value: Uuid) -> &mut Self {
        self.field(value.as_bytes())
    }

    pub fn text(&mut self, value: &str) -> &mut Self {
        self.field(value.as_bytes())
    }

    pub fn maybe_text(&mut self, value: Option<&str>) -> &mut Self {
        self.maybe(value, |fields, value| {
            fields.text(value);
        })
    }

    /// `bytea`
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.field(value)
    }

    /// `boolean`
    pub fn flag(&mut self, value: bool) -> &mut Self {
        self.field(&[u8::from(value)])
    }

    /// `smallint`
    pub fn small(&mut self, value: i16) -> &mut Self {
        self.field(&value.to_be_bytes())
    }

    pub fn maybe_small(&mut self, value: Option<i16>) -> &mut Self {
        self.maybe(value, |fields, value| {
            fields.small(value);
        })
    }

    /// `integer`
    pub fn int(&mut self, value: i32) -> &mut Self {
        self.field(&value.to_be_bytes())
    }

    pub fn maybe_int(&mut self, value: Option<i32>) -> &mut Self {
        self.maybe(value, |fields, value| {
            fields.int(value);
        })
    }

    /// `bigint`
    pub fn big(&mut self, value: i64) -> &mut Self {
        self.field(&value.to_be_bytes())
    }

    pub fn maybe_big(&mut self, value: Option<i64>) -> &mut Self {
        self.maybe(value, |fields, value| {
            fields.big(value);
        })
    }

    /// `timestamptz`
    pub fn time(&mut self, value: DateTime<Utc>) -> &mut Self {
        self.big(value.timestamp_micros() - EPOCH_SECONDS * 1_000_000)
    }

    pub fn maybe_time(&mut self, value: Option<DateTime<Utc>>) -> &mut Self {
        self.maybe(value, |fields, value| {
            fields.time(value);
        })
    }

    /// `date`
    pub fn day(&mut self, value: NaiveDate) -> &mut Self {
        let days = value.signed_duration_since(DateTime::UNIX_EPOCH.date_naive()).num_days() - EPOCH_SECONDS / 86_400;
        // Dates of events are years, not millions of them, from the epoch.
        self.int(i32::try_from(days).unwrap_or_default())
    }

    /// `text[]`
    pub fn texts(&mut self, values: &[impl AsRef<str>]) -> &mut Self {
        self.sized(|out| {
            out.extend_from_slice(&i32::from(!values.is_empty()).to_be_bytes());
            out.extend_from_slice(&0_i32.to_be_bytes());
            out.extend_from_slice(&TEXT_OID.to_be_bytes());
            if !values.is_empty() {
                out.extend_from_slice(&length(values.len()));
                out.extend_from_slice(&1_i32.to_be_bytes());
            }
            for value in values {
                out.extend_from_slice(&length(value.as_ref().len()));
                out.extend_from_slice(value.as_ref().as_bytes());
            }
        })
    }

    /// `jsonb`. What cannot be JSON is null, which no value of a fold is.
    pub fn json(&mut self, value: &impl Serialize) -> &mut Self {
        self.sized(|out| {
            out.push(1);
            let begun = out.len();
            if serde_json::to_writer(&mut *out, value).is_err() {
                out.truncate(begun);
                out.extend_from_slice(b"null");
            }
        })
    }

    /// A field whose length shows when it is written.
    fn sized(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        self.count += 1;
        let at = self.out.len();
        self.out.extend_from_slice(&[0; 4]);
        write(self.out);
        let written = length(self.out.len() - at - 4);
        self.out[at..at + 4].copy_from_slice(&written);
        self
    }
}

/// Fields are at most as long as an event, and arrays have fewer items.
fn length(bytes: usize) -> [u8; 4] {
    i32::try_from(bytes).unwrap_or(i32::MAX).to_be_bytes()
}

fn push(out: &mut Vec<u8>, row: impl Row) {
    let at = out.len();
    out.extend_from_slice(&[0; 2]);
    let mut fields = Fields { out, count: 0 };
    row.put(&mut fields);
    let count = fields.count.to_be_bytes();
    out[at..at + 2].copy_from_slice(&count);
}

/// From so many rows on, a `COPY` is worth its two round trips.
pub(crate) const LARGE: usize = 50;

/// Copies `rows` into a table that has none of them. They are made one by one as they are sent.
pub(crate) async fn copy<T: Row>(tables: &mut Tables<'_>, mut rows: Rows<'_, T>) -> Result<(), sqlx::Error> {
    let Some(first) = rows.next() else { return Ok(()) };
    let (table, columns) = T::TARGET;
    // Frozen rows need no visit by vacuum. Only a new table can have them.
    let frozen = if tables.are_fresh() { ", FREEZE" } else { "" };
    let statement = format!("COPY {table} ({columns}) FROM STDIN (FORMAT binary{frozen})");
    let mut copying = tables.connection().await?.copy_in_raw(&statement).await?;
    let mut buffer = Vec::with_capacity(SENT + (SENT >> 2));
    buffer.extend_from_slice(HEADER);
    push(&mut buffer, first);
    for row in rows {
        push(&mut buffer, row);
        if buffer.len() >= SENT {
            copying.send(buffer.as_slice()).await?;
            buffer.clear();
        }
    }
    buffer.extend_from_slice(&END.to_be_bytes());
    copying.send(buffer.as_slice()).await?;
    copying.finish().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Mixed;

    impl Row for Mixed {
        const TARGET: (&'static str, &'static str) = ("mixed", "a, b, c");

        fn put(&self, fields: &mut Fields<'_>) {
            fields.small(7).maybe_text(None).texts(&["a", "bc"]);
        }
    }

    #[test]
    fn a_row_begins_with_the_number_of_its_fields() {
        let mut out = Vec::new();
        push(&mut out, Mixed);
        let array =
            [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 25, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, b'a', 0, 0, 0, 2, b'b', b'c'];
        let mut expected = vec![0, 3, 0, 0, 0, 2, 0, 7, 255, 255, 255, 255, 0, 0, 0, 31];
        expected.extend_from_slice(&array);
        assert_eq!(out, expected);
    }
}
