//! Every event of a plugin, as references into the log: the audit.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use souk_projector::{Changes, Envelope, Projection};
use sqlx::PgConnection;
use uuid::Uuid;

mod query;

pub use query::{EventRef, count, events};

use crate::{
    copy::{Fields, Load, Row, copy},
    rows::big,
};

/// Every event of a plugin.
#[derive(Clone, Copy, Debug)]
pub struct Timeline;

impl Projection for Timeline {
    fn name(&self) -> &'static str {
        "timeline"
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

    fn only_added(&self) -> &'static [&'static str] {
        self.tables()
    }

    fn begin(&self) -> Box<dyn Changes> {
        Box::<TimelineChanges>::default()
    }
}

#[derive(Default)]
struct TimelineChanges {
    rows: Vec<Entry>,
}

struct Entry {
    plugin_id: Uuid,
    position: i64,
    event_id: Uuid,
    event_type: String,
    recorded_at: DateTime<Utc>,
    stream: String,
    version: i64,
    vendor_id: Option<Uuid>,
}

impl Row for Entry {
    const TARGET: (&'static str, &'static str) =
        ("timeline_event", "plugin_id, position, event_id, event_type, recorded_at, stream, version, vendor_id");

    fn put(&self, fields: &mut Fields<'_>) {
        fields.uuid(self.plugin_id).big(self.position).uuid(self.event_id).text(&self.event_type);
        fields.time(self.recorded_at).text(&self.stream).big(self.version);
        fields.maybe(self.vendor_id, |fields, vendor| {
            fields.uuid(vendor);
        });
    }
}

#[async_trait]
impl Changes for TimelineChanges {
    fn fold(&mut self, event: &Envelope) {
        let Some(plugin) = event.plugin_id() else { return };
        self.rows.push(Entry {
            plugin_id: plugin.uuid(),
            position: big(event.position),
            event_id: event.id,
            event_type: event.event_type.clone(),
            recorded_at: event.recorded_at,
            stream: event.stream.to_string(),
            version: big(event.version),
            vendor_id: event.vendor_id().map(|vendor| vendor.uuid()),
        });
    }

    async fn flush(self: Box<Self>, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let mut rows = self.rows;
        if rows.is_empty() {
            return Ok(());
        }
        rows.sort_unstable_by_key(|row| (row.plugin_id, row.position));
        let load = Load::of(connection, rows.len()).await?;
        if load != Load::Small {
            return copy(connection, load, &rows).await;
        }
        sqlx::query(include_str!("insert.sql"))
            .bind(rows.iter().map(|row| row.plugin_id).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.position).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.event_id).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.event_type.as_str()).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.recorded_at).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.stream.as_str()).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.version).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.vendor_id).collect::<Vec<_>>())
            .execute(connection)
            .await?;
        Ok(())
    }
}
