//! Something that a payment gateway told, and what came of it. What it told is kept elsewhere: it may be personal.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    decider::Decider,
    id::{OrderId, WebhookId, derive},
    order::Gateway,
    stream::Category,
};

/// A webhook as its events tell it.
#[derive(Clone, Debug, Default)]
pub enum State {
    /// Never received.
    #[default]
    Absent,
    /// Received.
    Received(Webhook),
}

/// A webhook that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Which.
    pub id: WebhookId,
    /// Who told it.
    pub gateway: Gateway,
    /// What came of it so far.
    pub state: Progress,
}

/// What came of a webhook so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing yet.
    New,
    /// It says something of what is not known yet, and is looked at again when it is.
    Waiting(Wait),
    /// It could not be taken in.
    Failed(String),
    /// It was taken in.
    Settled(Outcome),
}

/// What a webhook waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wait {
    /// Why it cannot be taken in yet.
    pub reason: String,
    /// The gateway's names of what it is about.
    pub names: Vec<String>,
    /// The order that it is about, where that is known.
    pub order_id: Option<OrderId>,
}

/// What came of a webhook that was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Something happened because of it.
    Applied,
    /// It was known, or something newer was.
    NothingNew,
    /// Souk does nothing about what it says.
    Ignored,
    /// Money came in that pays nothing.
    Unmatched,
}

impl WebhookId {
    /// The one webhook of a gateway's event.
    #[must_use]
    pub fn of(gateway: Gateway, event_id: &str) -> Self {
        Self::new(derive(&["webhook", gateway.as_str(), event_id]))
    }
}

/// What can be asked of a webhook.
#[derive(Clone, Debug)]
pub enum Command {
    /// Take it in.
    Receive {
        /// Which.
        id: WebhookId,
        /// Who told it.
        gateway: Gateway,
        /// The gateway's id of the event.
        event_id: String,
        /// The gateway's type of the event.
        kind: String,
        /// SHA-256 of the body, hex.
        digest: String,
        /// When.
        now: DateTime<Utc>,
    },
    /// Note what came of it.
    Conclude {
        /// What.
        progress: Progress,
        /// The order that it is about, where that is known.
        order: Option<OrderId>,
    },
}

/// What happens to a webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// It was received.
    #[serde(rename = "webhook.received", rename_all = "camelCase")]
    Received {
        /// Which.
        webhook_id: WebhookId,
        /// Who told it.
        gateway: Gateway,
        /// The gateway's id of the event.
        event_id: String,
        /// The gateway's type of the event.
        kind: String,
        /// SHA-256 of the body, hex.
        digest: String,
        /// When.
        received_at: DateTime<Utc>,
    },
    /// It says something of what is not known yet.
    #[serde(rename = "webhook.deferred", rename_all = "camelCase")]
    Deferred {
        /// What it waits for.
        #[serde(flatten)]
        wait: Wait,
    },
    /// It could not be taken in.
    #[serde(rename = "webhook.failed", rename_all = "camelCase")]
    Failed {
        /// Why.
        reason: String,
    },
    /// It was taken in.
    #[serde(rename = "webhook.settled", rename_all = "camelCase")]
    Settled {
        /// What came of it.
        outcome: Outcome,
        /// The order that it is about, where that is known.
        order_id: Option<OrderId>,
    },
}

impl Event {
    /// The type under which the log keeps it.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Received { .. } => "webhook.received",
            Self::Deferred { .. } => "webhook.deferred",
            Self::Failed { .. } => "webhook.failed",
            Self::Settled { .. } => "webhook.settled",
        }
    }
}

/// Why a webhook refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No such webhook.
    #[error("this webhook was never received")]
    NotReceived,
}

/// Decides about webhooks, on streams `webhook-`.
pub struct Webhooks;

impl Decider for Webhooks {
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Error;

    const CATEGORY: Category = Category::Webhook;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Error> {
        match (state, command) {
            (State::Absent, Command::Receive { id, gateway, event_id, kind, digest, now }) => {
                Ok(vec![Event::Received { webhook_id: id, gateway, event_id, kind, digest, received_at: now }])
            }
            (State::Absent, Command::Conclude { .. }) => Err(Error::NotReceived),
            // It comes as often as the gateway likes, and counts once.
            (State::Received(_), Command::Receive { .. }) => Ok(vec![]),
            (State::Received(known), Command::Conclude { progress, order }) => {
                if known.state == progress || matches!(known.state, Progress::Settled(_)) {
                    return Ok(vec![]);
                }
                Ok(match progress {
                    Progress::New => vec![],
                    Progress::Waiting(wait) => vec![Event::Deferred { wait }],
                    Progress::Failed(reason) => vec![Event::Failed { reason }],
                    Progress::Settled(outcome) => vec![Event::Settled { outcome, order_id: order }],
                })
            }
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match (state, event) {
            (State::Absent, Event::Received { webhook_id, gateway, .. }) => {
                State::Received(Webhook { id: *webhook_id, gateway: *gateway, state: Progress::New })
            }
            (State::Received(mut known), event) => {
                known.state = match event {
                    Event::Received { .. } => known.state,
                    Event::Deferred { wait } => Progress::Waiting(wait.clone()),
                    Event::Failed { reason } => Progress::Failed(reason.clone()),
                    Event::Settled { outcome, .. } => Progress::Settled(*outcome),
                };
                State::Received(known)
            }
            (state, _) => state,
        }
    }
}

#[cfg(test)]
mod tests;
