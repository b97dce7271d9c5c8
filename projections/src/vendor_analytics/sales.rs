//! What events change in who buys, from where, and for how long.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;
use souk_domain::{
    listing::{Interval, Pricing},
    order, subscription,
};
use souk_projector::{Envelope, Tables};
use uuid::Uuid;

use super::fold::Key;
use crate::{
    copy::{Fields, Row, copy},
    rows::{self, each, held, split},
};

/// A day of a vendor's plugin in a country and a currency.
type Place = (Key, String, &'static str);

/// Changes, by key.
#[derive(Default)]
pub(super) struct Sales {
    countries: BTreeMap<Place, Paid>,
    orders: BTreeMap<Uuid, OrderRow>,
    subscriptions: BTreeMap<Uuid, SubscriptionRow>,
}

#[derive(Default)]
struct Paid {
    orders: i64,
    gross: i64,
}

/// A row with what was placed is new; of others only the day of the payment counts.
#[derive(Default, Serialize)]
struct OrderRow {
    order_id: Uuid,
    placed: Option<Placed>,
    paid_on: Option<NaiveDate>,
}

#[derive(Serialize)]
struct Placed {
    vendor_id: Uuid,
    plugin_id: Uuid,
    user_id: Uuid,
    placed_on: NaiveDate,
}

/// A row with what was started is new.
#[derive(Default, Serialize)]
struct SubscriptionRow {
    subscription_id: Uuid,
    started: Option<Started>,
    paid_on: Option<NaiveDate>,
    lapsed_on: Option<NaiveDate>,
}

#[derive(Serialize)]
struct Started {
    vendor_id: Uuid,
    plugin_id: Uuid,
    currency: &'static str,
    amount: i64,
    yearly: bool,
    started_on: NaiveDate,
}

impl Row for (Place, Paid) {
    const TARGET: (&'static str, &'static str) =
        ("vendor_analytics_country", "vendor_id, day, plugin_id, country, currency, orders, gross");

    fn put(&self, fields: &mut Fields<'_>) {
        let ((key, country, currency), paid) = self;
        fields.uuid(key.vendor).day(key.day).uuid(key.plugin).text(country).text(currency);
        fields.big(paid.orders).big(paid.gross);
    }
}

impl Row for OrderRow {
    const TARGET: (&'static str, &'static str) =
        ("vendor_analytics_order", "order_id, vendor_id, plugin_id, user_id, placed_on, paid_on");

    fn put(&self, fields: &mut Fields<'_>) {
        let Some(placed) = &self.placed else { return };
        fields.uuid(self.order_id).uuid(placed.vendor_id).uuid(placed.plugin_id).uuid(placed.user_id);
        fields.day(placed.placed_on).maybe(self.paid_on, put_day);
    }
}

impl Row for SubscriptionRow {
    const TARGET: (&'static str, &'static str) = (
        "vendor_analytics_subscription",
        "subscription_id, vendor_id, plugin_id, currency, amount, yearly, started_on, paid_on, lapsed_on",
    );

    fn put(&self, fields: &mut Fields<'_>) {
        let Some(started) = &self.started else { return };
        fields.uuid(self.subscription_id).uuid(started.vendor_id).uuid(started.plugin_id).text(started.currency);
        fields.big(started.amount).flag(started.yearly).day(started.started_on).maybe(self.paid_on, put_day);
        fields.maybe(self.lapsed_on, put_day);
    }
}

fn put_day(fields: &mut Fields<'_>, value: NaiveDate) {
    fields.day(value);
}

impl Sales {
    pub fn order(&mut self, event: &Envelope, key: Key, change: &order::Event) {
        let order_id = event.stream.uuid;
        match change {
            order::Event::Placed { buyer_id, .. } => {
                let (vendor_id, plugin_id) = (key.vendor, key.plugin);
                let placed = Placed { vendor_id, plugin_id, user_id: buyer_id.uuid(), placed_on: key.day };
                self.orders.insert(order_id, OrderRow { order_id, placed: Some(placed), paid_on: None });
            }
            order::Event::PaymentCompleted { amount, tax, currency, country, .. } => {
                let place = (key, country.clone().unwrap_or_default(), currency.code());
                let paid = self.countries.entry(place).or_default();
                paid.orders += 1;
                paid.gross += amount - tax;
                let row = self.orders.entry(order_id).or_default();
                row.order_id = order_id;
                row.paid_on.get_or_insert(key.day);
            }
            _ => {}
        }
    }

    pub fn subscription(&mut self, event: &Envelope, change: &subscription::Event) {
        let (subscription_id, day) = (event.stream.uuid, event.recorded_at.date_naive());
        let mut row = |paid_on: Option<NaiveDate>, lapsed_on: Option<NaiveDate>| {
            let row = self.subscriptions.entry(subscription_id).or_default();
            row.subscription_id = subscription_id;
            row.paid_on = row.paid_on.or(paid_on);
            row.lapsed_on = row.lapsed_on.or(lapsed_on);
        };
        match change {
            subscription::Event::Started { contract, trial, .. } => {
                let Pricing::Subscription { amount, currency, interval, .. } = contract.pricing else { return };
                let started = Started {
                    vendor_id: contract.vendor_id.uuid(),
                    plugin_id: contract.plugin_id.uuid(),
                    currency: currency.code(),
                    amount,
                    yearly: interval == Interval::Yearly,
                    started_on: day,
                };
                let paid_on = (!trial).then_some(day);
                let row = SubscriptionRow { subscription_id, started: Some(started), paid_on, lapsed_on: None };
                self.subscriptions.insert(subscription_id, row);
            }
            subscription::Event::Renewed { standing: subscription::Standing::Active, .. } => row(Some(day), None),
            subscription::Event::Lapsed { .. } => row(None, Some(day)),
            _ => {}
        }
    }

    pub fn size(&self) -> usize {
        held::<(Place, Paid)>(self.countries.len(), 8)
            + held::<OrderRow>(self.orders.len(), 0)
            + held::<SubscriptionRow>(self.subscriptions.len(), 0)
    }

    pub async fn flush(self, tables: &mut Tables<'_>) -> Result<(), sqlx::Error> {
        let Self { countries, orders, subscriptions } = self;
        if tables.are_fresh() {
            copy(tables, each(countries)).await?;
        } else {
            flush_countries(tables, &countries).await?;
        }
        let (new, old) = split(&orders, |row| row.placed.is_some());
        rows::insert(tables, include_str!("new_orders.sql"), new).await?;
        rows::write(tables, OrderRow::TARGET.0, include_str!("old_orders.sql"), &old).await?;
        let (new, old) = split(&subscriptions, |row| row.started.is_some());
        rows::insert(tables, include_str!("new_subscriptions.sql"), new).await?;
        rows::write(tables, SubscriptionRow::TARGET.0, include_str!("old_subscriptions.sql"), &old).await
    }
}

async fn flush_countries(tables: &mut Tables<'_>, countries: &BTreeMap<Place, Paid>) -> Result<(), sqlx::Error> {
    if countries.is_empty() {
        return Ok(());
    }
    tables.key(<(Place, Paid)>::TARGET.0).await?;
    tables
        .run(include_str!("count_countries.sql"), |values| {
            values
                .bind(countries.keys().map(|(key, ..)| key.vendor).collect::<Vec<_>>())
                .bind(countries.keys().map(|(key, ..)| key.day).collect::<Vec<_>>())
                .bind(countries.keys().map(|(key, ..)| key.plugin).collect::<Vec<_>>())
                .bind(countries.keys().map(|(_, country, _)| country.as_str()).collect::<Vec<_>>())
                .bind(countries.keys().map(|(.., currency)| *currency).collect::<Vec<_>>())
                .bind(countries.values().map(|paid| paid.orders).collect::<Vec<_>>())
                .bind(countries.values().map(|paid| paid.gross).collect::<Vec<_>>());
        })
        .await?;
    Ok(())
}
