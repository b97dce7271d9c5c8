//! What events change of what gateways told.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use souk_domain::{event::DomainEvent, webhook};
use souk_projector::{Changes, Envelope, Tables};
use uuid::Uuid;

use super::query::State;
use crate::{
    copy::{Fields, Row},
    rows::{self, held, split},
};

/// Changes, by webhook.
#[derive(Default)]
pub(super) struct WebhookChanges(BTreeMap<Uuid, WebhookRow>);

#[derive(Default, Serialize)]
struct WebhookRow {
    webhook_id: Uuid,
    received: Option<Received>,
    state: State,
    outcome: Option<String>,
    reason: Option<String>,
    names: Option<Vec<String>>,
    order_id: Option<Uuid>,
    changed_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct Received {
    gateway: String,
    event_id: String,
    kind: String,
    received_at: DateTime<Utc>,
    position: u64,
}

impl Row for WebhookRow {
    const TARGET: (&'static str, &'static str) = (
        "webhooks_webhook",
        "webhook_id, gateway, event_id, kind, state, outcome, reason, names, order_id, received_at, changed_at, position",
    );

    fn put(&self, fields: &mut Fields<'_>) {
        let Some(received) = &self.received else { return };
        fields.uuid(self.webhook_id).text(&received.gateway).text(&received.event_id).text(&received.kind);
        fields.text(self.state.as_str()).maybe_text(self.outcome.as_deref()).maybe_text(self.reason.as_deref());
        fields.maybe(self.names.as_ref(), |fields, names| {
            fields.texts(names);
        });
        fields.maybe(self.order_id, |fields, order| {
            fields.uuid(order);
        });
        fields.time(received.received_at).time(self.changed_at).big(rows::big(received.position));
    }
}

#[async_trait]
impl Changes for WebhookChanges {
    fn fold(&mut self, event: &Envelope) {
        let DomainEvent::Webhook(change) = &event.event else { return };
        let row = self.0.entry(event.stream.uuid).or_default();
        row.webhook_id = event.stream.uuid;
        row.changed_at = event.recorded_at;
        (row.outcome, row.reason, row.names) = (None, None, None);
        match change {
            webhook::Event::Received { gateway, event_id, kind, received_at, .. } => {
                row.state = State::New;
                row.received = Some(Received {
                    gateway: rows::word(gateway),
                    event_id: event_id.clone(),
                    kind: kind.clone(),
                    received_at: *received_at,
                    position: event.position,
                });
            }
            webhook::Event::Deferred { wait } => {
                row.state = State::Waiting;
                row.reason = Some(wait.reason.clone());
                row.names = Some(wait.names.clone());
                row.order_id = wait.order_id.map(|order| order.uuid()).or(row.order_id);
            }
            webhook::Event::Failed { reason } => {
                row.state = State::Failed;
                row.reason = Some(reason.clone());
            }
            webhook::Event::Settled { outcome, order_id } => {
                row.state = State::Settled;
                row.outcome = Some(rows::word(outcome));
                row.order_id = order_id.map(|order| order.uuid()).or(row.order_id);
            }
        }
    }

    fn size(&self) -> usize {
        held::<WebhookRow>(self.0.len(), 200)
    }

    async fn flush(self: Box<Self>, tables: &mut Tables<'_>) -> Result<(), sqlx::Error> {
        let (new, old) = split(&self.0, |row| row.received.is_some());
        rows::insert(tables, include_str!("new.sql"), new).await?;
        rows::write(tables, WebhookRow::TARGET.0, include_str!("old.sql"), &old).await
    }
}
