//! What users own.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use souk_app::{installs, orders};
use souk_domain::{
    license,
    listing::{Kind, Pricing, Terms},
    order::{self, Gateway, OrderStatus},
    plugin,
};
use souk_projections::library as rows;
use utoipa::ToSchema;
use uuid::Uuid;

use super::vocabulary;

/// The plugin of an installation, a license or an order.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginRef {
    /// Which.
    pub id: Uuid,
    /// Its unique name.
    pub name: String,
    /// Name to show.
    pub display_name: String,
    /// What sort of asset.
    #[schema(value_type = vocabulary::Kind)]
    pub kind: Kind,
}

/// A plugin that a user has, or had, installed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Installation {
    /// Which.
    pub id: Uuid,
    /// Of what.
    pub plugin: PluginRef,
    /// Which version.
    #[schema(example = "1.0.0")]
    pub version: String,
    /// `installed`, `uninstalled` or `blocked`.
    #[schema(example = "installed")]
    pub status: String,
    /// By which license; null for a free plugin.
    pub license_id: Option<Uuid>,
    /// Since when it is so; null in the answer to an installation that changed nothing.
    pub since: Option<DateTime<Utc>>,
}

/// A right to use a plugin.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct License {
    /// Which.
    pub id: Uuid,
    /// Its key; for its holder only.
    pub key: Option<String>,
    /// To what.
    pub plugin: PluginRef,
    /// `perpetual`, `subscription` or `trial`.
    #[serde(rename = "type")]
    #[schema(example = "perpetual")]
    pub kind: String,
    /// `active`, `suspended` or `revoked`.
    #[schema(example = "active")]
    pub status: String,
    /// On how many machines at once.
    pub max_devices: i64,
    /// Machines it is bound to, oldest first.
    pub activations: Vec<Activation>,
    /// Until when; null: for ever.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether its time is over.
    pub expired: bool,
    /// All that it allows.
    #[schema(value_type = vocabulary::Terms)]
    pub terms: Terms,
    /// Downloads so far.
    pub downloads: i64,
    /// Uses that were counted so far.
    pub uses: i64,
    /// The subscription that keeps it good.
    pub subscription_id: Option<Uuid>,
    /// Paid by which order.
    pub order_id: Uuid,
    /// How often its key was changed.
    #[serde(skip)]
    pub key_generation: u32,
}

/// A machine that a license is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Activation {
    /// The machine.
    pub fingerprint: String,
    /// What the holder calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Since when.
    pub activated_at: DateTime<Utc>,
}

/// A purchase.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Which.
    pub id: Uuid,
    /// Of what.
    pub plugin: PluginRef,
    /// `pending`, `paid`, `partially_refunded`, `refunded`, `disputed` or `canceled`.
    #[schema(example = "pending")]
    pub status: String,
    /// Minor units.
    #[schema(example = 4900)]
    pub amount: i64,
    /// ISO 4217 code.
    #[schema(example = "USD")]
    pub currency: String,
    /// Through what it is paid.
    #[schema(value_type = vocabulary::Gateway)]
    pub gateway: String,
    /// What the buyer does next; null once there is nothing to pay. In lists a gateway's checkout is named and not looked up.
    pub checkout: Option<Checkout>,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
    /// The way of charging when it was placed.
    #[schema(value_type = vocabulary::Pricing)]
    pub pricing: Pricing,
    /// Minor units given back so far.
    pub refunded_total: i64,
    /// The subscription of which it pays an interval.
    pub subscription_id: Option<Uuid>,
}

/// What the buyer of an order does next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Checkout {
    /// The gateway.
    #[serde(rename = "type")]
    #[schema(example = "manual")]
    pub kind: String,
    /// What to name in a transfer, or the gateway's name of the checkout; null while the gateway does not answer.
    pub reference: Option<String>,
    /// What to do, where no page or script of a gateway says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// The gateway's page to pay on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// With which the gateway's script is begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// Until when it can be paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
}

impl Checkout {
    fn manual(order: Uuid) -> Self {
        let instructions =
            "Transfer the amount and name the reference; an admin records the payment when it has arrived.".to_owned();
        Self { instructions: Some(instructions), ..Self::named("manual", Some(order.to_string())) }
    }

    fn named(kind: &str, reference: Option<String>) -> Self {
        let kind = kind.to_owned();
        Self { kind, reference, instructions: None, url: None, public_key: None, expires_at: None }
    }
}

impl From<orders::Checkout> for Checkout {
    fn from(next: orders::Checkout) -> Self {
        match next {
            orders::Checkout::Manual { reference } => Self::manual(reference),
            orders::Checkout::Gateway { gateway, checkout: None } => Self::named(gateway.as_str(), None),
            orders::Checkout::Gateway { gateway, checkout: Some(opened) } => Self {
                url: opened.url,
                public_key: opened.public_key,
                expires_at: opened.expires_at,
                ..Self::named(gateway.as_str(), Some(opened.reference))
            },
        }
    }
}

impl PluginRef {
    /// The plugin as its stream tells it.
    #[must_use]
    pub fn of_stream(plugin: &plugin::Plugin) -> Self {
        Self {
            id: plugin.id.uuid(),
            name: plugin.name.clone(),
            display_name: plugin.details.display_name.clone(),
            kind: plugin.details.kind,
        }
    }
}

impl From<rows::PluginRef> for PluginRef {
    fn from(row: rows::PluginRef) -> Self {
        Self { id: row.id, name: row.name, display_name: row.display_name, kind: row.kind }
    }
}

impl From<rows::Installation> for Installation {
    fn from(row: rows::Installation) -> Self {
        Self {
            id: row.id,
            plugin: row.plugin.into(),
            version: row.version,
            status: row.status,
            license_id: row.license_id,
            since: Some(row.since),
        }
    }
}

impl Installation {
    /// What the caller has just installed, or had already.
    #[must_use]
    pub fn installed(installation: installs::Installation, plugin: PluginRef, since: Option<DateTime<Utc>>) -> Self {
        Self {
            id: installation.id.uuid(),
            plugin,
            version: installation.version.to_string(),
            status: "installed".to_owned(),
            license_id: installation.license.map(souk_domain::id::LicenseId::uuid),
            since,
        }
    }
}

impl License {
    /// A row, with the key if it is for its holder's eyes.
    #[must_use]
    pub fn of_row(row: rows::License, key: Option<String>) -> Self {
        Self {
            id: row.id,
            key,
            plugin: row.plugin.into(),
            kind: row.kind,
            status: row.status,
            max_devices: row.max_devices,
            activations: row.activations.into_iter().map(Into::into).collect(),
            expires_at: row.expires_at,
            expired: row.expired,
            terms: row.terms,
            downloads: row.downloads,
            uses: row.uses,
            subscription_id: row.subscription_id,
            order_id: row.order_id,
            key_generation: u32::try_from(row.key_generation).unwrap_or_default(),
        }
    }

    /// The license as its stream tells it; `before` knows what its holder calls the machines.
    #[must_use]
    pub fn of_stream(license: license::License, plugin: PluginRef, key: Option<String>, before: Option<&Self>) -> Self {
        let label = |fingerprint: &str| {
            let known = before?.activations.iter().find(|activation| activation.fingerprint == fingerprint)?;
            known.label.clone()
        };
        let status = word(&license.status());
        let mut activations: Vec<Activation> = license
            .activations
            .into_iter()
            .map(|(fingerprint, activated_at)| Activation { label: label(&fingerprint), fingerprint, activated_at })
            .collect();
        activations.sort_by(|a, b| (a.activated_at, &a.fingerprint).cmp(&(b.activated_at, &b.fingerprint)));
        Self {
            id: license.id.uuid(),
            key,
            plugin,
            kind: word(&license.kind),
            status,
            max_devices: license.terms.max_devices.into(),
            activations,
            expires_at: license.expires_at,
            expired: license.expired,
            downloads: i64::try_from(license.downloads).unwrap_or(i64::MAX),
            uses: i64::try_from(license.uses).unwrap_or(i64::MAX),
            terms: license.terms,
            subscription_id: license.subscription.map(souk_domain::id::SubscriptionId::uuid),
            order_id: license.order.uuid(),
            key_generation: license.key_generation,
        }
    }
}

impl From<rows::Activation> for Activation {
    fn from(row: rows::Activation) -> Self {
        Self { fingerprint: row.fingerprint, label: row.label, activated_at: row.activated_at }
    }
}

impl From<rows::Order> for Order {
    fn from(row: rows::Order) -> Self {
        Self {
            checkout: checkout(&row),
            id: row.id,
            plugin: row.plugin.into(),
            status: row.status,
            amount: row.amount,
            currency: row.currency,
            gateway: row.gateway,
            placed_at: row.placed_at,
            pricing: row.pricing,
            refunded_total: row.refunded_total,
            subscription_id: row.subscription_id,
        }
    }
}

impl Order {
    /// The order as its stream tells it.
    #[must_use]
    pub fn of_stream(order: order::Order, plugin: PluginRef, checkout: Option<orders::Checkout>) -> Self {
        Self {
            id: order.id.uuid(),
            plugin,
            status: word(&order.status()),
            amount: order.price.amount,
            currency: order.price.currency.code().to_owned(),
            checkout: checkout.map(Into::into),
            gateway: word(&order.gateway),
            placed_at: order.placed_at,
            pricing: order.pricing,
            refunded_total: order.refunded,
            subscription_id: order.subscription.map(|billed| billed.subscription_id.uuid()),
        }
    }
}

/// What the buyer does next, while there is something.
fn checkout(row: &rows::Order) -> Option<Checkout> {
    if row.status != word(&OrderStatus::Pending) {
        return None;
    }
    Some(if row.gateway == Gateway::Manual.as_str() {
        Checkout::manual(row.id)
    } else {
        Checkout::named(&row.gateway, row.checkout.clone())
    })
}

/// The name that serde gives a unit variant.
pub(super) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}
