//! What payment gateways told.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use souk_projections::webhooks as rows;
use utoipa::ToSchema;
use uuid::Uuid;

/// Something that a payment gateway told.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// Which.
    pub id: Uuid,
    /// `stripe` or `razorpay`.
    pub gateway: String,
    /// The gateway's id of the event.
    #[schema(example = "evt_1")]
    pub event_id: String,
    /// The gateway's type of the event.
    #[serde(rename = "type")]
    #[schema(example = "charge.dispute.created")]
    pub kind: String,
    /// Where it stands: `new`, `waiting`, `failed` or `settled`.
    pub state: String,
    /// What came of it once it was settled: `applied`, `nothing_new`, `ignored`, or `unmatched` for money that pays nothing.
    pub outcome: Option<String>,
    /// Why it waits, or failed.
    pub reason: Option<String>,
    /// The order that it is about, where that is known.
    pub order_id: Option<Uuid>,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// When something last came of it.
    pub changed_at: DateTime<Utc>,
}

/// Where webhooks stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookState {
    /// Not looked at yet.
    New,
    /// What it is about is not known yet.
    Waiting,
    /// It cannot be taken in.
    Failed,
    /// It was taken in.
    Settled,
}

impl From<WebhookState> for rows::State {
    fn from(state: WebhookState) -> Self {
        match state {
            WebhookState::New => Self::New,
            WebhookState::Waiting => Self::Waiting,
            WebhookState::Failed => Self::Failed,
            WebhookState::Settled => Self::Settled,
        }
    }
}

impl From<rows::Webhook> for Webhook {
    fn from(row: rows::Webhook) -> Self {
        Self {
            id: row.id,
            gateway: row.gateway,
            event_id: row.event_id,
            kind: row.kind,
            state: row.state,
            outcome: row.outcome,
            reason: row.reason,
            order_id: row.order_id,
            received_at: row.received_at,
            changed_at: row.changed_at,
        }
    }
}
