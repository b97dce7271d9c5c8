//! What events change in libraries.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use souk_domain::{
    event::DomainEvent,
    installation, license,
    listing::{Pricing, Terms},
    order, plugin, subscription,
};
use souk_domain::{order::OrderStatus, subscription::Standing};
use souk_projector::{Changes, Envelope, Tables};
use uuid::Uuid;

use crate::{
    copy::{Fields, Row},
    rows::{self, held, split},
    sealed,
};

/// By license and fingerprint: the label as the log keeps it, the event that has it, and the time, or none when the machine was freed.
type Activations = BTreeMap<(Uuid, String), Option<(String, Uuid, DateTime<Utc>)>>;

/// Changes of libraries, by key.
#[derive(Default)]
pub(super) struct LibraryChanges {
    plugins: BTreeMap<Uuid, PluginRow>,
    installations: BTreeMap<Uuid, InstallationRow>,
    licenses: BTreeMap<Uuid, LicenseRow>,
    activations: Activations,
    orders: BTreeMap<Uuid, OrderRow>,
    subscriptions: BTreeMap<Uuid, SubscriptionRow>,
}

#[derive(Default, Serialize)]
struct PluginRow {
    plugin_id: Uuid,
    name: Option<String>,
    display_name: String,
    kind: String,
}

/// Absent fields keep what the table has; a row with a user is new, or begins anew.
#[derive(Default, Serialize)]
struct InstallationRow {
    installation_id: Uuid,
    /// Whether its stream begins among these changes, so that no table has it yet.
    #[serde(skip)]
    begins: bool,
    user_id: Option<Uuid>,
    plugin_id: Option<Uuid>,
    vendor_id: Option<Uuid>,
    version: String,
    license_changed: bool,
    license_id: Option<Uuid>,
    status: &'static str,
    since: DateTime<Utc>,
    position: u64,
}

#[derive(Default, Serialize)]
struct LicenseRow {
    license_id: Uuid,
    issued: Option<Issued>,
    status: Option<String>,
    /// Whether `expires_at` is another than it was.
    moved: bool,
    expires_at: Option<DateTime<Utc>>,
    kind: Option<String>,
    expired: Option<bool>,
    downloads: Option<u64>,
    uses: Option<u64>,
    key_generation: Option<u32>,
}

#[derive(Default, Serialize)]
struct SubscriptionRow {
    subscription_id: Uuid,
    started: Option<Started>,
    standing: Option<String>,
    period_end: Option<DateTime<Utc>>,
    ends_then: Option<bool>,
}

#[derive(Serialize)]
struct Started {
    order_id: Uuid,
    user_id: Uuid,
    plugin_id: Uuid,
    vendor_id: Uuid,
    license_id: Uuid,
    gateway: String,
    pricing: Pricing,
    started_at: DateTime<Utc>,
    position: u64,
}

#[derive(Serialize)]
struct Issued {
    user_id: Uuid,
    plugin_id: Uuid,
    vendor_id: Uuid,
    order_id: Uuid,
    subscription_id: Option<Uuid>,
    kind: String,
    terms: Terms,
    expires_at: Option<DateTime<Utc>>,
    issued_at: DateTime<Utc>,
    position: u64,
}

#[derive(Default, Serialize)]
struct OrderRow {
    order_id: Uuid,
    placed: Option<Placed>,
    status: Option<String>,
    paid_at: Option<DateTime<Utc>>,
    payment_reference: Option<String>,
    refunded_total: Option<i64>,
    checkout: Option<String>,
}

#[derive(Serialize)]
struct Placed {
    user_id: Uuid,
    plugin_id: Uuid,
    vendor_id: Uuid,
    amount: i64,
    currency: &'static str,
    gateway: String,
    pricing: Pricing,
    subscription_id: Option<Uuid>,
    renewal: bool,
    placed_at: DateTime<Utc>,
    position: u64,
}

#[derive(Serialize)]
struct Activation<'a> {
    license_id: Uuid,
    fingerprint: &'a str,
    label: &'a str,
    activated_by: Uuid,
    activated_at: DateTime<Utc>,
}

// Whole rows are those that are new, or begin anew.

impl Row for PluginRow {
    const TARGET: (&'static str, &'static str) = ("library_plugin", "plugin_id, name, display_name, kind");

    fn put(&self, fields: &mut Fields<'_>) {
        fields.uuid(self.plugin_id).maybe_text(self.name.as_deref()).text(&self.display_name).text(&self.kind);
    }
}

impl Row for InstallationRow {
    const TARGET: (&'static str, &'static str) = (
        "library_installation",
        "installation_id, user_id, plugin_id, vendor_id, version, license_id, status, since, position",
    );

    fn put(&self, fields: &mut Fields<'_>) {
        fields.uuid(self.installation_id).maybe(self.user_id, put_uuid).maybe(self.plugin_id, put_uuid);
        fields.maybe(self.vendor_id, put_uuid).text(&self.version).maybe(self.license_id, put_uuid).text(self.status);
        fields.time(self.since).big(rows::big(self.position));
    }
}

impl Row for LicenseRow {
    const TARGET: (&'static str, &'static str) = (
        "library_license",
        "license_id, user_id, plugin_id, vendor_id, order_id, subscription_id, kind, status, terms, expires_at, expired, downloads, uses, \
         key_generation, issued_at, position",
    );

    fn put(&self, fields: &mut Fields<'_>) {
        let Some(issued) = &self.issued else { return };
        fields.uuid(self.license_id).uuid(issued.user_id).uuid(issued.plugin_id).uuid(issued.vendor_id);
        fields.uuid(issued.order_id).maybe(issued.subscription_id, put_uuid);
        fields
            .text(self.kind.as_deref().unwrap_or(&issued.kind))
            .maybe_text(self.status.as_deref())
            .json(&issued.terms);
        fields
            .maybe_time(if self.moved { self.expires_at } else { issued.expires_at })
            .flag(self.expired.unwrap_or(false));
        fields.big(rows::big(self.downloads.unwrap_or(0))).big(rows::big(self.uses.unwrap_or(0)));
        fields.big(self.key_generation.unwrap_or(0).into()).time(issued.issued_at).big(rows::big(issued.position));
    }
}

impl Row for OrderRow {
    const TARGET: (&'static str, &'static str) = (
        "library_order",
        "order_id, user_id, plugin_id, vendor_id, amount, currency, gateway, pricing, subscription_id, renewal, status, checkout, \
         placed_at, paid_at, payment_reference, refunded_total, position",
    );

    fn put(&self, fields: &mut Fields<'_>) {
        let Some(placed) = &self.placed else { return };
        fields.uuid(self.order_id).uuid(placed.user_id).uuid(placed.plugin_id).uuid(placed.vendor_id);
        fields.big(placed.amount).text(placed.currency).text(&placed.gateway).json(&placed.pricing);
        fields.maybe(placed.subscription_id, put_uuid).flag(placed.renewal).maybe_text(self.status.as_deref());
        fields.maybe_text(self.checkout.as_deref()).time(placed.placed_at).maybe_time(self.paid_at);
        fields.maybe_text(self.payment_reference.as_deref()).big(self.refunded_total.unwrap_or(0));
        fields.big(rows::big(placed.position));
    }
}

impl Row for SubscriptionRow {
    const TARGET: (&'static str, &'static str) = (
        "library_subscription",
        "subscription_id, order_id, user_id, plugin_id, vendor_id, license_id, gateway, pricing, standing, period_end, ends_then, \
         started_at, position",
    );

    fn put(&self, fields: &mut Fields<'_>) {
        let Some(started) = &self.started else { return };
        fields.uuid(self.subscription_id).uuid(started.order_id).uuid(started.user_id).uuid(started.plugin_id);
        fields.uuid(started.vendor_id).uuid(started.license_id).text(&started.gateway).json(&started.pricing);
        fields.maybe_text(self.standing.as_deref()).maybe_time(self.period_end).flag(self.ends_then.unwrap_or(false));
        fields.time(started.started_at).big(rows::big(started.position));
    }
}

fn put_uuid(fields: &mut Fields<'_>, value: Uuid) {
    fields.uuid(value);
}

impl LibraryChanges {
    fn plugin(&mut self, event: &Envelope, change: &plugin::Event) {
        let (name, details) = match change {
            plugin::Event::Created { name, details, .. } => (Some(name.clone()), details),
            plugin::Event::Described { details } => (None, details),
            _ => return,
        };
        let row = self.plugins.entry(event.stream.uuid).or_default();
        row.plugin_id = event.stream.uuid;
        row.name = name.or(row.name.take());
        details.display_name.clone_into(&mut row.display_name);
        row.kind = rows::word(&details.kind);
    }

    fn installation(&mut self, event: &Envelope, change: &installation::Event) {
        let row = self.installations.entry(event.stream.uuid).or_default();
        row.installation_id = event.stream.uuid;
        row.begins |= event.version == 0;
        row.position = event.position;
        let (version, status) = match change {
            installation::Event::Installed { user_id, plugin_id, vendor_id, version, license_id, .. } => {
                row.user_id = Some(user_id.uuid());
                row.plugin_id = Some(plugin_id.uuid());
                row.vendor_id = Some(vendor_id.uuid());
                (row.license_changed, row.license_id) = (true, license_id.map(|license| license.uuid()));
                (version, "installed")
            }
            installation::Event::Upgraded { to_version, license_id, .. } => {
                (row.license_changed, row.license_id) = (true, license_id.map(|license| license.uuid()));
                (to_version, "installed")
            }
            installation::Event::Uninstalled { version } => (version, "uninstalled"),
            installation::Event::Blocked { version, .. } => (version, "blocked"),
        };
        row.version = version.to_string();
        row.status = status;
        row.since = event.recorded_at;
    }

    fn license(&mut self, event: &Envelope, change: &license::Event) {
        let id = event.stream.uuid;
        let row = self.licenses.entry(id).or_default();
        row.license_id = id;
        match change {
            license::Event::Issued {
                order_id,
                subscription_id,
                user_id,
                plugin_id,
                vendor_id,
                kind,
                terms,
                expires_at,
                ..
            } => {
                row.issued = Some(Issued {
                    user_id: user_id.uuid(),
                    plugin_id: plugin_id.uuid(),
                    vendor_id: vendor_id.uuid(),
                    order_id: order_id.uuid(),
                    subscription_id: subscription_id.map(|id| id.uuid()),
                    kind: rows::word(kind),
                    terms: terms.clone(),
                    expires_at: *expires_at,
                    issued_at: event.recorded_at,
                    position: event.position,
                });
                row.status = Some(rows::word(&license::Status::Active));
            }
            license::Event::Extended { expires_at, kind, .. } => {
                (row.moved, row.expires_at) = (true, *expires_at);
                (row.kind, row.expired) = (Some(rows::word(kind)), Some(false));
            }
            license::Event::Expired { expired_at, .. } => {
                row.expired = Some(true);
                (row.moved, row.expires_at) = (true, Some(*expired_at));
            }
            license::Event::Used { purpose: license::Purpose::Download, total, .. } => row.downloads = Some(*total),
            license::Event::Used { purpose: license::Purpose::Usage, total, .. } => row.uses = Some(*total),
            license::Event::KeyRotated { generation } => row.key_generation = Some(*generation),
            license::Event::Activated { fingerprint, label, activated_at, .. } => {
                let kept = (sealed::kept(label), event.id, *activated_at);
                self.activations.insert((id, fingerprint.clone()), Some(kept));
            }
            license::Event::Deactivated { fingerprint, .. } => {
                self.activations.insert((id, fingerprint.clone()), None);
            }
            license::Event::Suspended { status, .. }
            | license::Event::Reinstated { status, .. }
            | license::Event::Revoked { status, .. } => row.status = Some(rows::word(status)),
        }
    }

    fn order(&mut self, event: &Envelope, change: &order::Event) {
        let row = self.orders.entry(event.stream.uuid).or_default();
        row.order_id = event.stream.uuid;
        match change {
            order::Event::Placed {
                buyer_id,
                plugin_id,
                vendor_id,
                amount,
                currency,
                pricing,
                gateway,
                subscription,
                placed_at,
                ..
            } => {
                row.placed = Some(Placed {
                    user_id: buyer_id.uuid(),
                    plugin_id: plugin_id.uuid(),
                    vendor_id: vendor_id.uuid(),
                    amount: *amount,
                    currency: currency.code(),
                    gateway: rows::word(gateway),
                    pricing: pricing.clone(),
                    subscription_id: subscription.map(|billed| billed.subscription_id.uuid()),
                    renewal: subscription.is_some_and(|billed| billed.renewal),
                    placed_at: *placed_at,
                    position: event.position,
                });
                row.status = Some(rows::word(&OrderStatus::Pending));
            }
            order::Event::CheckoutOpened { reference } => row.checkout = Some(reference.clone()),
            order::Event::Canceled { .. } => row.status = Some(rows::word(&OrderStatus::Canceled)),
            order::Event::PaymentCompleted { reference, paid_at, .. } => {
                row.status = Some(rows::word(&OrderStatus::Paid));
                row.paid_at = Some(paid_at.unwrap_or(event.recorded_at));
                row.payment_reference = Some(reference.clone());
            }
            order::Event::PaymentRefunded { refunded_total, status, .. }
            | order::Event::RefundFailed { refunded_total, status, .. } => {
                row.status = Some(rows::word(status));
                row.refunded_total = Some(*refunded_total);
            }
            order::Event::Disputed { status, .. }
            | order::Event::DisputeWon { status, .. }
            | order::Event::DisputeLost { status, .. } => row.status = Some(rows::word(status)),
            order::Event::PaymentFailed { .. }
            | order::Event::PaymentUnmatched { .. }
            | order::Event::UnmatchedReturned { .. }
            | order::Event::RefundRequested { .. } => {}
        }
    }

    fn subscription(&mut self, event: &Envelope, change: &subscription::Event) {
        let row = self.subscriptions.entry(event.stream.uuid).or_default();
        row.subscription_id = event.stream.uuid;
        match change {
            subscription::Event::Started { contract, trial, started_at, period_end } => {
                row.started = Some(Started {
                    order_id: contract.order_id.uuid(),
                    user_id: contract.buyer_id.uuid(),
                    plugin_id: contract.plugin_id.uuid(),
                    vendor_id: contract.vendor_id.uuid(),
                    license_id: contract.license_id.uuid(),
                    gateway: rows::word(&contract.gateway),
                    pricing: contract.pricing.clone(),
                    started_at: *started_at,
                    position: event.position,
                });
                row.standing = Some(rows::word(&if *trial { Standing::Trialing } else { Standing::Active }));
                row.period_end = Some(*period_end);
            }
            subscription::Event::Renewed { period_end, standing, .. } => {
                row.standing = Some(rows::word(standing));
                row.period_end = Some(*period_end);
            }
            subscription::Event::PastDue { .. } => row.standing = Some(rows::word(&Standing::PastDue)),
            subscription::Event::Canceled { .. } => row.ends_then = Some(true),
            subscription::Event::Resumed { .. } => row.ends_then = Some(false),
            subscription::Event::Lapsed { .. } => row.standing = Some(rows::word(&Standing::Lapsed)),
        }
    }
}

#[async_trait]
impl Changes for LibraryChanges {
    fn fold(&mut self, event: &Envelope) {
        match &event.event {
            DomainEvent::Plugin(change) => self.plugin(event, change),
            DomainEvent::Installation(change) => self.installation(event, change),
            DomainEvent::License(change) => self.license(event, change),
            DomainEvent::Order(change) => self.order(event, change),
            DomainEvent::Subscription(change) => self.subscription(event, change),
            _ => {}
        }
    }

    fn size(&self) -> usize {
        held::<PluginRow>(self.plugins.len(), 150)
            + held::<InstallationRow>(self.installations.len(), 50)
            + held::<LicenseRow>(self.licenses.len(), 200)
            + held::<Activation<'_>>(self.activations.len(), 250)
            + held::<OrderRow>(self.orders.len(), 250)
            + held::<SubscriptionRow>(self.subscriptions.len(), 250)
    }

    async fn flush(self: Box<Self>, tables: &mut Tables<'_>) -> Result<(), sqlx::Error> {
        let Self { plugins, installations, licenses, activations, orders, subscriptions } = *self;
        let (new, old) = split(&plugins, |row| row.name.is_some());
        rows::insert(tables, include_str!("new_plugins.sql"), new).await?;
        rows::write(tables, PluginRow::TARGET.0, include_str!("old_plugins.sql"), &old).await?;
        let (new, rest) = split(&installations, |row| row.user_id.is_some() && row.begins);
        rows::insert(tables, include_str!("new_installations.sql"), new).await?;
        let (again, old): (Vec<_>, Vec<_>) = rest.into_iter().partition(|row| row.user_id.is_some());
        rows::write(tables, InstallationRow::TARGET.0, include_str!("new_installations.sql"), &again).await?;
        rows::write(tables, InstallationRow::TARGET.0, include_str!("old_installations.sql"), &old).await?;
        let (new, old) = split(&licenses, |row| row.issued.is_some());
        rows::insert(tables, include_str!("new_licenses.sql"), new).await?;
        rows::write(tables, LicenseRow::TARGET.0, include_str!("old_licenses.sql"), &old).await?;
        flush_activations(tables, &activations).await?;
        let (new, old) = split(&orders, |row| row.placed.is_some());
        rows::insert(tables, include_str!("new_orders.sql"), new).await?;
        rows::write(tables, OrderRow::TARGET.0, include_str!("old_orders.sql"), &old).await?;
        let (new, old) = split(&subscriptions, |row| row.started.is_some());
        rows::insert(tables, include_str!("new_subscriptions.sql"), new).await?;
        rows::write(tables, SubscriptionRow::TARGET.0, include_str!("old_subscriptions.sql"), &old).await
    }
}

async fn flush_activations(tables: &mut Tables<'_>, activations: &Activations) -> Result<(), sqlx::Error> {
    const TABLE: &str = "library_activation";
    let (mut kept, mut ended) = (Vec::new(), (Vec::new(), Vec::new()));
    for ((license_id, fingerprint), activation) in activations {
        if let Some((label, activated_by, activated_at)) = activation {
            let (license_id, activated_by, activated_at) = (*license_id, *activated_by, *activated_at);
            kept.push(Activation { license_id, fingerprint, label, activated_by, activated_at });
        } else {
            ended.0.push(*license_id);
            ended.1.push(fingerprint.as_str());
        }
    }
    rows::write(tables, TABLE, include_str!("activations.sql"), &kept).await?;
    if !ended.0.is_empty() {
        tables.key(TABLE).await?;
        tables
            .run(include_str!("deactivations.sql"), |values| {
                values.bind(ended.0).bind(ended.1);
            })
            .await?;
    }
    Ok(())
}
