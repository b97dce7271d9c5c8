//! Every event of a plugin, as references into the log: the audit.

use async_trait::async_trait;
use souk_projector::{Changes, Envelope, Projection, Tables};
use uuid::Uuid;

mod query;

pub use query::positions;

use crate::{
    copy::{Fields, LARGE, Row, copy},
    rows::{big, each},
};

/// Every event of a plugin.
#[derive(Clone, Copy, Debug)]
pub struct Timeline;

impl Projection for Timeline {
    fn name(&self) -> &'static str {
        "timeline"
    }

    fn version(&self) -> i32 {
        2
    }

    fn schema_sql(&self) -> &'static str {
        include_str!("schema.sql")
    }

    fn index_sql(&self) -> &'static str {
        include_str!("indexes.sql")
    }

    fn tables(&self) -> &'static [&'static str] {
        &["timeline_event"]
    }

    fn begin(&self) -> Box<dyn Changes> {
        Box::<TimelineChanges>::default()
    }
}

#[derive(Default)]
struct TimelineChanges {
    rows: Vec<Entry>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    plugin_id: Uuid,
    position: i64,
}

impl Row for Entry {
    const TARGET: (&'static str, &'static str) = ("timeline_event", "plugin_id, position");

    fn put(&self, fields: &mut Fields<'_>) {
        fields.uuid(self.plugin_id).big(self.position);
    }
}

#[async_trait]
impl Changes for TimelineChanges {
    fn fold(&mut self, event: &Envelope) {
        let Some(plugin) = event.plugin_id() else { return };
        self.rows.push(Entry { plugin_id: plugin.uuid(), position: big(event.position) });
    }

    fn size(&self) -> usize {
        self.rows.len() * size_of::<Entry>()
    }

    async fn flush(self: Box<Self>, tables: &mut Tables<'_>) -> Result<(), sqlx::Error> {
        let mut rows = self.rows;
        if rows.is_empty() {
            return Ok(());
        }
        rows.sort_unstable();
        if tables.are_filled() || rows.len() >= LARGE {
            return copy(tables, each(rows)).await;
        }
        tables
            .run(include_str!("insert.sql"), |values| {
                values
                    .bind(rows.iter().map(|row| row.plugin_id).collect::<Vec<_>>())
                    .bind(rows.iter().map(|row| row.position).collect::<Vec<_>>());
            })
            .await?;
        Ok(())
    }
}
