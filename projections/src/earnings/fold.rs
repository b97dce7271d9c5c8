//! What events change in the ledger.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use souk_domain::{event::DomainEvent, order, series, vendor};
use souk_projector::{Changes, Envelope, Tables};
use uuid::Uuid;

use super::{
    days,
    ledger::{self, Known, Transaction},
};
use crate::{
    copy::{Fields, Row},
    rows::{self, each, held, split},
};

/// Changes of the ledger.
#[derive(Default)]
pub(super) struct EarningsChanges {
    /// Orders that begin among these changes, so that everything before is known.
    orders: BTreeMap<Uuid, Known>,
    entries: Vec<EntryRow>,
    /// Events of other orders and payouts, in order of position: reckoned when their rows were read.
    deferred: Vec<Deferred>,
    payouts: BTreeMap<Uuid, PayoutRow>,
    invoices: Vec<InvoiceRow>,
}

/// An event that needs what its stream said before these changes.
struct Deferred {
    place: Place,
    event: Moved,
}

enum Moved {
    Order(Box<order::Event>),
    PayoutFailed(Box<vendor::Event>),
}

/// Where and when a transaction is booked.
#[derive(Clone, Copy)]
struct Place {
    position: u64,
    vendor: Uuid,
    order: Option<Uuid>,
    payout: Option<Uuid>,
    plugin: Option<Uuid>,
    currency: &'static str,
    booked_at: DateTime<Utc>,
    paid_at: Option<DateTime<Utc>>,
}

#[derive(Serialize)]
struct OrderRow {
    order_id: Uuid,
    direct: bool,
    captured: i64,
    returned: i64,
}

#[derive(Serialize)]
pub(super) struct EntryRow {
    position: u64,
    pub account: &'static str,
    pub vendor_id: Uuid,
    pub currency: &'static str,
    pub amount: i64,
    pub kind: &'static str,
    order_id: Option<Uuid>,
    payout_id: Option<Uuid>,
    plugin_id: Option<Uuid>,
    pub booked_at: DateTime<Utc>,
    paid_at: Option<DateTime<Utc>>,
}

/// A row with a request is new; absent fields of others keep what the table has.
#[derive(Default, Serialize)]
struct PayoutRow {
    payout_id: Uuid,
    requested: Option<Requested>,
    status: &'static str,
    settled_at: Option<DateTime<Utc>>,
    reference: Option<String>,
    reason: Option<String>,
    /// Whether the vendor had the money, where these changes say so.
    #[serde(skip)]
    paid: Option<bool>,
}

#[derive(Serialize)]
struct Requested {
    vendor_id: Uuid,
    amount: i64,
    currency: &'static str,
    batch_id: Option<Uuid>,
    requested_at: DateTime<Utc>,
    position: u64,
}

#[derive(Serialize)]
struct InvoiceRow {
    vendor_id: Uuid,
    kind: &'static str,
    number: i64,
    source_id: Uuid,
    order_id: Uuid,
    buyer_id: Uuid,
    plugin_id: Uuid,
    amount: i64,
    tax: i64,
    currency: &'static str,
    issued_at: DateTime<Utc>,
    position: u64,
}

impl Row for OrderRow {
    const TARGET: (&'static str, &'static str) = ("earnings_order", "order_id, direct, captured, returned");

    fn put(&self, fields: &mut Fields<'_>) {
        fields.uuid(self.order_id).flag(self.direct).big(self.captured).big(self.returned);
    }
}

impl Row for EntryRow {
    const TARGET: (&'static str, &'static str) = (
        "earnings_entry",
        "position, account, vendor_id, currency, amount, kind, order_id, payout_id, plugin_id, booked_at, paid_at",
    );

    fn put(&self, fields: &mut Fields<'_>) {
        fields.big(rows::big(self.position)).text(self.account).uuid(self.vendor_id).text(self.currency);
        fields.big(self.amount).text(self.kind).maybe(self.order_id, put_uuid).maybe(self.payout_id, put_uuid);
        fields.maybe(self.plugin_id, put_uuid).time(self.booked_at).maybe_time(self.paid_at);
    }
}

impl Row for PayoutRow {
    const TARGET: (&'static str, &'static str) = (
        "earnings_payout",
        "payout_id, vendor_id, amount, currency, status, batch_id, requested_at, settled_at, reference, reason, position",
    );

    fn put(&self, fields: &mut Fields<'_>) {
        let Some(requested) = &self.requested else { return };
        fields.uuid(self.payout_id).uuid(requested.vendor_id).big(requested.amount).text(requested.currency);
        fields.text(self.status).maybe(requested.batch_id, put_uuid).time(requested.requested_at);
        fields.maybe_time(self.settled_at).maybe_text(self.reference.as_deref()).maybe_text(self.reason.as_deref());
        fields.big(rows::big(requested.position));
    }
}

impl Row for InvoiceRow {
    const TARGET: (&'static str, &'static str) = (
        "earnings_invoice",
        "vendor_id, kind, number, source_id, order_id, buyer_id, plugin_id, amount, tax, currency, issued_at, position",
    );

    fn put(&self, fields: &mut Fields<'_>) {
        fields.uuid(self.vendor_id).text(self.kind).big(self.number).uuid(self.source_id).uuid(self.order_id);
        fields.uuid(self.buyer_id).uuid(self.plugin_id).big(self.amount).big(self.tax).text(self.currency);
        fields.time(self.issued_at).big(rows::big(self.position));
    }
}

fn put_uuid(fields: &mut Fields<'_>, value: Uuid) {
    fields.uuid(value);
}

/// Adds the entries of `transaction` to `entries`.
fn book(entries: &mut Vec<EntryRow>, place: Place, transaction: Transaction) {
    let Transaction { kind, entries: booked } = transaction;
    entries.extend(booked.into_iter().map(|(account, amount)| EntryRow {
        position: place.position,
        account: account.as_str(),
        vendor_id: place.vendor,
        currency: place.currency,
        amount,
        kind,
        order_id: place.order,
        payout_id: place.payout,
        plugin_id: place.plugin,
        booked_at: place.booked_at,
        paid_at: place.paid_at,
    }));
}

/// The currency that an event of an order moves money in, and when it was paid.
fn moves(event: &order::Event) -> Option<(&'static str, Option<DateTime<Utc>>)> {
    match event {
        order::Event::PaymentCompleted { currency, paid_at, .. } => Some((currency.code(), *paid_at)),
        order::Event::PaymentRefunded { currency, .. }
        | order::Event::RefundFailed { currency, .. }
        | order::Event::Disputed { currency, .. }
        | order::Event::DisputeWon { currency, .. }
        | order::Event::DisputeLost { currency, .. }
        | order::Event::PaymentUnmatched { currency, .. }
        | order::Event::UnmatchedReturned { currency, .. } => Some((currency.code(), None)),
        _ => None,
    }
}

impl EarningsChanges {
    fn order(&mut self, event: &Envelope, change: &order::Event) {
        let (Some(vendor), order) = (event.vendor_id(), event.stream.uuid) else { return };
        if let order::Event::Placed { .. } = change {
            let mut known = Known::default();
            ledger::of_order(&mut known, change);
            self.orders.insert(order, known);
        }
        let Some((currency, paid_at)) = moves(change) else { return };
        let place = Place {
            position: event.position,
            vendor: vendor.uuid(),
            order: Some(order),
            payout: None,
            plugin: event.plugin_id().map(|plugin| plugin.uuid()),
            currency,
            booked_at: event.recorded_at,
            paid_at,
        };
        match self.orders.get_mut(&order) {
            Some(known) => {
                if let Some(transaction) = ledger::of_order(known, change) {
                    book(&mut self.entries, place, transaction);
                }
            }
            None => self.deferred.push(Deferred { place, event: Moved::Order(Box::new(change.clone())) }),
        }
    }

    fn vendor(&mut self, event: &Envelope, change: &vendor::Event) {
        let (payout, currency) = match change {
            vendor::Event::PayoutRequested { payout_id, currency, .. }
            | vendor::Event::PayoutPaid { payout_id, currency, .. }
            | vendor::Event::PayoutFailed { payout_id, currency, .. } => (payout_id.uuid(), currency.code()),
            _ => return,
        };
        let place = Place {
            position: event.position,
            vendor: event.stream.uuid,
            order: None,
            payout: Some(payout),
            plugin: None,
            currency,
            booked_at: event.recorded_at,
            paid_at: None,
        };
        let row = self.payouts.entry(payout).or_default();
        row.payout_id = payout;
        let failed = matches!(change, vendor::Event::PayoutFailed { .. });
        match (failed, row.paid) {
            (true, None) => {
                self.deferred.push(Deferred { place, event: Moved::PayoutFailed(Box::new(change.clone())) });
            }
            (_, paid) => {
                if let Some(transaction) = ledger::of_payout(paid == Some(true), change) {
                    book(&mut self.entries, place, transaction);
                }
            }
        }
        row.apply(event, change);
    }

    fn invoice(&mut self, event: &Envelope, change: &series::Event) {
        let (kind, number, document) = match change {
            series::Event::InvoiceIssued { number, document } => ("invoice", number, document),
            series::Event::CreditNoteIssued { number, document } => ("credit_note", number, document),
        };
        self.invoices.push(InvoiceRow {
            vendor_id: document.vendor_id.uuid(),
            kind,
            number: rows::big(*number),
            source_id: document.source_id,
            order_id: document.order_id.uuid(),
            buyer_id: document.buyer_id.uuid(),
            plugin_id: document.plugin_id.uuid(),
            amount: document.amount,
            tax: document.tax,
            currency: document.currency.code(),
            issued_at: document.issued_at,
            position: event.position,
        });
    }
}

impl PayoutRow {
    fn apply(&mut self, event: &Envelope, change: &vendor::Event) {
        match change {
            vendor::Event::PayoutRequested { amount, currency, batch_id, requested_at, .. } => {
                self.requested = Some(Requested {
                    vendor_id: event.stream.uuid,
                    amount: *amount,
                    currency: currency.code(),
                    batch_id: *batch_id,
                    requested_at: *requested_at,
                    position: event.position,
                });
                (self.status, self.paid) = ("requested", Some(false));
            }
            vendor::Event::PayoutPaid { reference, paid_at, .. } => {
                (self.status, self.paid) = ("paid", Some(true));
                (self.settled_at, self.reference) = (Some(*paid_at), Some(reference.clone()));
            }
            vendor::Event::PayoutFailed { reason, .. } => {
                self.status = "failed";
                (self.settled_at, self.reason) = (Some(event.recorded_at), Some(reason.clone()));
            }
            _ => {}
        }
    }
}

#[async_trait]
impl Changes for EarningsChanges {
    fn fold(&mut self, event: &Envelope) {
        match &event.event {
            DomainEvent::Order(change) => self.order(event, change),
            DomainEvent::Vendor(change) => self.vendor(event, change),
            DomainEvent::Invoice(change) => self.invoice(event, change),
            _ => {}
        }
    }

    fn size(&self) -> usize {
        held::<(Uuid, Known)>(self.orders.len(), 0)
            + held::<EntryRow>(self.entries.len(), 0)
            + held::<Deferred>(self.deferred.len(), 400)
            + held::<PayoutRow>(self.payouts.len(), 100)
            + held::<InvoiceRow>(self.invoices.len(), 0)
    }

    async fn flush(self: Box<Self>, tables: &mut Tables<'_>) -> Result<(), sqlx::Error> {
        let Self { orders, mut entries, deferred, payouts, invoices } = *self;
        let changed = reckon(tables, &mut entries, &deferred).await?;
        let row = |(order_id, known): (Uuid, Known)| OrderRow {
            order_id,
            direct: known.direct,
            captured: known.captured,
            returned: known.returned,
        };
        let old: Vec<OrderRow> = changed.into_iter().map(row).collect();
        rows::insert(tables, include_str!("new_orders.sql"), each(orders.into_iter().map(row))).await?;
        rows::write(tables, OrderRow::TARGET.0, include_str!("old_orders.sql"), &old).await?;
        entries.sort_unstable_by_key(|entry| (entry.position, entry.account));
        rows::insert(tables, include_str!("new_entries.sql"), each(&entries)).await?;
        days::flush(tables, days::sums(&entries)).await?;
        let (new, old) = split(&payouts, |row| row.requested.is_some());
        rows::insert(tables, include_str!("new_payouts.sql"), new).await?;
        rows::write(tables, PayoutRow::TARGET.0, include_str!("old_payouts.sql"), &old).await?;
        rows::insert(tables, include_str!("new_invoices.sql"), each(invoices)).await
    }
}

/// Books what was deferred, and answers with the orders that it changed. What is read are rows of the very streams whose events
/// are booked, which an earlier batch of the same partition wrote.
async fn reckon(
    tables: &mut Tables<'_>,
    entries: &mut Vec<EntryRow>,
    deferred: &[Deferred],
) -> Result<BTreeMap<Uuid, Known>, sqlx::Error> {
    let mut orders = known_orders(tables, deferred).await?;
    let paid = paid_payouts(tables, deferred).await?;
    for Deferred { place, event } in deferred {
        let transaction = match event {
            Moved::Order(event) => ledger::of_order(orders.entry(place.order.unwrap_or_default()).or_default(), event),
            Moved::PayoutFailed(event) => {
                ledger::of_payout(place.payout.is_some_and(|payout| paid.contains(&payout)), event)
            }
        };
        if let Some(transaction) = transaction {
            book(entries, *place, transaction);
        }
    }
    Ok(orders)
}

async fn known_orders(tables: &mut Tables<'_>, deferred: &[Deferred]) -> Result<BTreeMap<Uuid, Known>, sqlx::Error> {
    let wanted = deferred.iter().filter(|deferred| matches!(deferred.event, Moved::Order(_)));
    let ids: BTreeSet<Uuid> = wanted.filter_map(|deferred| deferred.place.order).collect();
    if ids.is_empty() || tables.are_fresh() {
        return Ok(BTreeMap::new());
    }
    tables.key(OrderRow::TARGET.0).await?;
    let rows: Vec<(Uuid, bool, i64, i64)> =
        sqlx::query_as("SELECT order_id, direct, captured, returned FROM earnings_order WHERE order_id = ANY($1)")
            .bind(ids.into_iter().collect::<Vec<_>>())
            .fetch_all(tables.connection().await?)
            .await?;
    let known = |(order, direct, captured, returned)| (order, Known { direct, captured, returned });
    Ok(rows.into_iter().map(known).collect())
}

/// Those payouts whose vendors had the money before it failed.
async fn paid_payouts(tables: &mut Tables<'_>, deferred: &[Deferred]) -> Result<BTreeSet<Uuid>, sqlx::Error> {
    let wanted = deferred.iter().filter(|deferred| matches!(deferred.event, Moved::PayoutFailed(_)));
    let ids: Vec<Uuid> = wanted.filter_map(|deferred| deferred.place.payout).collect();
    if ids.is_empty() || tables.are_fresh() {
        return Ok(BTreeSet::new());
    }
    tables.key(PayoutRow::TARGET.0).await?;
    let paid: Vec<Uuid> =
        sqlx::query_scalar("SELECT payout_id FROM earnings_payout WHERE payout_id = ANY($1) AND status = 'paid'")
            .bind(ids)
            .fetch_all(tables.connection().await?)
            .await?;
    Ok(paid.into_iter().collect())
}
