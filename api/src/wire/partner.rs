//! Partners, their webhooks, and public events.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use souk_app::{partners, public};
use souk_domain::{
    id::{PluginId, VendorId},
    partner,
};
use souk_ports::{
    Position,
    partner::{Delivery, Hook, HookState},
};
use utoipa::ToSchema;
use uuid::Uuid;

/// A page of public events.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventPage {
    /// In order.
    items: Vec<CloudEvent>,
    /// What to ask for as `after` to go on, now or later.
    next_after: u64,
    /// The same, as long as there is more now.
    next_cursor: Option<String>,
    /// Whether there is nothing more for now.
    end: bool,
}

/// A public event, as CloudEvents 1.0 has it. `data` is as its type's schema says.
#[derive(Serialize, ToSchema)]
pub struct CloudEvent {
    /// `1.0`
    specversion: String,
    /// Unique; the same however often it is told.
    id: Uuid,
    /// Which Souk.
    source: String,
    /// What happened, such as `souk.plugin.created.v1`.
    #[serde(rename = "type")]
    event_type: String,
    /// To what, such as `plugin/UUID`. What is between two parties has a pseudonym.
    subject: String,
    /// When.
    time: DateTime<Utc>,
    /// The same.
    timestamp: DateTime<Utc>,
    /// `application/json`
    datacontenttype: String,
    /// Where the schema of `data` is.
    dataschema: String,
    /// The position: what comes later has a greater one.
    sequence: String,
    /// What has the same key keeps its order.
    partitionkey: String,
    /// The plugin that it concerns.
    pluginid: Option<Uuid>,
    /// The vendor that it concerns.
    vendorid: Option<Uuid>,
    /// What is told.
    #[schema(value_type = Object)]
    data: Value,
}

/// What a partner may see.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Scopes {
    /// Types and patterns of types: `plugin.version_approved`, `plugin.*`, `*`.
    #[schema(example = json!(["plugin.*"]))]
    pub types: Vec<String>,
    /// Only what concerns one of these vendors,
    #[serde(default)]
    #[schema(value_type = Vec<Uuid>)]
    pub vendors: BTreeSet<VendorId>,
    /// or one of these plugins; everything when both are empty.
    #[serde(default)]
    #[schema(value_type = Vec<Uuid>)]
    pub plugins: BTreeSet<PluginId>,
}

impl From<Scopes> for partners::NewScopes {
    fn from(Scopes { types, vendors, plugins }: Scopes) -> Self {
        Self { types, vendors, plugins }
    }
}

/// How much a partner may have.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
#[schema(as = PartnerQuotas)]
pub struct Quotas {
    /// Requests a minute.
    pub requests_per_minute: u32,
    /// Streams at once, of one process.
    pub streams: u32,
    /// Webhooks.
    pub webhooks: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        partner::Quotas::default().into()
    }
}

impl From<partner::Quotas> for Quotas {
    fn from(quotas: partner::Quotas) -> Self {
        let partner::Quotas { requests_per_minute, streams, webhooks } = quotas;
        Self { requests_per_minute, streams, webhooks }
    }
}

impl From<Quotas> for partner::Quotas {
    fn from(quotas: Quotas) -> Self {
        let Quotas { requests_per_minute, streams, webhooks } = quotas;
        Self { requests_per_minute, streams, webhooks }
    }
}

/// How far a partner has read pages and streams.
#[derive(Serialize, ToSchema)]
#[schema(as = PartnerCursor)]
pub struct Cursor {
    /// It has everything up to here.
    position: Position,
    /// When that was heard last.
    at: DateTime<Utc>,
    /// How many positions that is behind the end of the log.
    lag: u64,
}

/// A partner and where it stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Partner {
    /// Which.
    id: Uuid,
    /// What the operator calls it.
    name: String,
    /// What it may see.
    scopes: Scopes,
    /// How much of it.
    quotas: Quotas,
    /// Whether it sees nothing for now.
    suspended: bool,
    /// Why.
    suspended_because: Option<String>,
    /// Live keys and what they are called.
    keys: BTreeMap<String, String>,
    /// Open streams of the process that answers.
    streams: usize,
    /// How far it has read pages and streams; null when it never did.
    cursor: Option<Cursor>,
    /// Its webhooks.
    webhooks: Vec<PartnerWebhook>,
    /// Position of the log's last event.
    head: Position,
}

impl Partner {
    /// A partner, which has so many streams.
    pub fn of(overview: partners::Overview, streams: usize) -> Self {
        let partners::Overview { partner, cursor, hooks, head } = overview;
        let partner::Scopes { types, vendors, plugins } = partner.scopes;
        Self {
            id: partner.id.uuid(),
            name: partner.name,
            scopes: Scopes { types: types.into_iter().collect(), vendors, plugins },
            quotas: partner.quotas.into(),
            suspended: partner.suspended.is_some(),
            suspended_because: partner.suspended,
            keys: partner.keys.into_iter().map(|(key, label)| (key.to_string(), label)).collect(),
            streams,
            cursor: cursor.map(|cursor| Cursor {
                position: cursor.position,
                at: cursor.at,
                lag: head.saturating_sub(cursor.position),
            }),
            webhooks: hooks.into_iter().map(|hook| PartnerWebhook::of(hook, head)).collect(),
            head,
        }
    }
}

/// A key of a partner, shown this once.
#[derive(Serialize, ToSchema)]
pub struct NewPartnerKey {
    /// Which.
    #[schema(value_type = Uuid)]
    pub id: souk_domain::id::PartnerKeyId,
    /// What is sent as `Authorization: Bearer …`.
    pub key: String,
    /// What it is called.
    pub label: String,
}

/// A webhook of a partner.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartnerWebhook {
    /// Which.
    id: Uuid,
    /// Where it is called.
    url: String,
    /// Types and patterns of types; empty for all of the scope.
    types: Vec<String>,
    /// Whether it is called.
    enabled: bool,
    /// Why it is not: `gone`, `failing` or `disabled`.
    disabled_because: Option<String>,
    /// Everything up to here was delivered, or is none of its business.
    position: Position,
    /// How many positions that is behind the end of the log.
    lag: u64,
    /// Failed attempts at what comes next.
    attempts: u32,
    /// When the next one is made, if there were any.
    next_attempt_at: Option<DateTime<Utc>>,
    /// Until when the secret before signs as well.
    previous_secret_until: Option<DateTime<Utc>>,
    /// When it was made.
    created_at: DateTime<Utc>,
}

impl PartnerWebhook {
    /// A webhook, when the log ends at `head`.
    pub fn of(hook: Hook, head: Position) -> Self {
        let disabled_because = match hook.state {
            HookState::Enabled => None,
            HookState::Disabled(reason) => Some(reason),
        };
        Self {
            id: hook.id,
            url: hook.url,
            types: hook.types.into_iter().collect(),
            enabled: disabled_because.is_none(),
            disabled_because,
            position: hook.position,
            lag: head.saturating_sub(hook.position),
            attempts: hook.attempts,
            next_attempt_at: (hook.attempts > 0).then_some(hook.next_attempt_at),
            previous_secret_until: hook.previous.map(|(_, until)| until),
            created_at: hook.created_at,
        }
    }
}

/// A webhook with the secret that signs what it is sent.
#[derive(Serialize, ToSchema)]
pub struct RevealedWebhook {
    /// The webhook.
    #[serde(flatten)]
    pub webhook: PartnerWebhook,
    /// `whsec_` and base64; shown when it was made.
    pub secret: String,
}

/// An attempt to deliver an event.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookDelivery {
    /// `webhook-id`: the event.
    event_id: Uuid,
    /// Its type.
    #[serde(rename = "type")]
    event_type: String,
    /// Its position; null for a test.
    position: Option<Position>,
    /// The how-manieth attempt, from 1.
    attempt: u32,
    /// Whether it was taken.
    delivered: bool,
    /// HTTP status, where there was an answer.
    status: Option<u16>,
    /// What went wrong: a name, a colon and words.
    problem: Option<String>,
    /// When.
    at: DateTime<Utc>,
    /// How long it took.
    duration_ms: u32,
}

impl From<Delivery> for WebhookDelivery {
    fn from(delivery: Delivery) -> Self {
        let public = public::find(&delivery.event_type).map(|public| public.full_name());
        Self {
            event_id: delivery.event,
            event_type: public.unwrap_or(delivery.event_type),
            position: delivery.position,
            attempt: delivery.attempt,
            delivered: delivery.delivered,
            status: delivery.status,
            problem: delivery.problem,
            at: delivery.at,
            duration_ms: delivery.duration_ms,
        }
    }
}
