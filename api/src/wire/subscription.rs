//! Purchases that are paid again and again.

use chrono::{DateTime, Utc};
use serde::Serialize;
use souk_domain::{listing::Pricing, subscription};
use souk_projections::library as rows;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    library::{PluginRef, word},
    vocabulary,
};

/// A purchase that is paid again and again.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Which.
    pub id: Uuid,
    /// To what.
    pub plugin: PluginRef,
    /// `trialing`, `active`, `past_due` or `lapsed`.
    #[schema(example = "active")]
    pub status: String,
    /// How much, how often: as when it began.
    #[schema(value_type = vocabulary::Pricing)]
    pub pricing: Pricing,
    /// Who runs it.
    #[schema(value_type = vocabulary::Gateway)]
    pub gateway: String,
    /// Until when it is paid, or free.
    pub current_period_end: DateTime<Utc>,
    /// Whether it ends then.
    pub cancel_at_period_end: bool,
    /// When it began; null in the answer to a change.
    pub started_at: Option<DateTime<Utc>>,
    /// The order that began it.
    pub order_id: Uuid,
    /// The license that it keeps good.
    pub license_id: Uuid,
}

impl Subscription {
    /// The subscription as its stream tells it.
    #[must_use]
    pub fn of_stream(known: subscription::Subscription, plugin: PluginRef) -> Self {
        Self {
            id: known.contract.subscription_id.uuid(),
            plugin,
            status: word(&known.standing),
            pricing: known.contract.pricing,
            gateway: word(&known.contract.gateway),
            current_period_end: known.period_end,
            cancel_at_period_end: known.ends_then,
            started_at: None,
            order_id: known.contract.order_id.uuid(),
            license_id: known.contract.license_id.uuid(),
        }
    }
}

impl From<rows::Subscription> for Subscription {
    fn from(row: rows::Subscription) -> Self {
        Self {
            id: row.id,
            plugin: row.plugin.into(),
            status: row.standing,
            pricing: row.pricing,
            gateway: row.gateway,
            current_period_end: row.period_end,
            cancel_at_period_end: row.ends_then,
            started_at: Some(row.started_at),
            order_id: row.order_id,
            license_id: row.license_id,
        }
    }
}
