//! What events change in a vendor's figures.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::NaiveDate;
use serde::Serialize;
use souk_domain::{download, event::DomainEvent, installation, order, plugin, traffic};
use souk_projector::{Changes, Envelope, Tables};
use uuid::Uuid;

use super::sales::Sales;
use crate::{
    copy::{Fields, Row, copy},
    rows::{self, each, held, split},
    stars::Stars,
};

/// A day of a vendor's plugin.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub vendor: Uuid,
    pub day: NaiveDate,
    pub plugin: Uuid,
}

/// Changes of figures, by key.
#[derive(Default)]
pub(super) struct AnalyticsChanges {
    activity: BTreeMap<Key, Activity>,
    money: BTreeMap<(Key, &'static str), Money>,
    plugins: BTreeMap<Uuid, Plugin>,
    sales: Sales,
}

#[derive(Default)]
struct Activity {
    installs: i64,
    uninstalls: i64,
    active: i64,
    views: i64,
    downloads: i64,
    reviews: i64,
    rating_sum: i64,
}

#[derive(Default)]
struct Money {
    orders: i64,
    gross: i64,
    refunds: i64,
    commission: i64,
}

#[derive(Default, Serialize)]
struct Plugin {
    plugin_id: Uuid,
    name: Option<String>,
    display_name: String,
}

impl Row for (Key, Activity) {
    const TARGET: (&'static str, &'static str) = (
        "vendor_analytics_activity",
        "vendor_id, day, plugin_id, installs, uninstalls, active, views, downloads, reviews, \
         rating_sum",
    );

    fn put(&self, fields: &mut Fields<'_>) {
        let (key, row) = self;
        fields.uuid(key.vendor).day(key.day).uuid(key.plugin).big(row.installs).big(row.uninstalls).big(row.active);
        fields.big(row.views).big(row.downloads).big(row.reviews).big(row.rating_sum);
    }
}

impl Row for ((Key, &'static str), Money) {
    const TARGET: (&'static str, &'static str) =
        ("vendor_analytics_money", "vendor_id, day, plugin_id, currency, orders, gross, refunds, commission");

    fn put(&self, fields: &mut Fields<'_>) {
        let ((key, currency), row) = self;
        fields.uuid(key.vendor).day(key.day).uuid(key.plugin).text(currency);
        fields.big(row.orders).big(row.gross).big(row.refunds).big(row.commission);
    }
}

/// Of a plugin that is new; others have no whole row.
impl Row for Plugin {
    const TARGET: (&'static str, &'static str) = ("vendor_analytics_plugin", "plugin_id, name, display_name");

    fn put(&self, fields: &mut Fields<'_>) {
        fields.uuid(self.plugin_id).maybe_text(self.name.as_deref()).text(&self.display_name);
    }
}

/// The key that an event's figures go to; none when it concerns no plugin of a vendor.
fn key(event: &Envelope) -> Option<Key> {
    let (vendor, plugin) = (event.vendor_id()?.uuid(), event.plugin_id()?.uuid());
    Some(Key { vendor, day: event.recorded_at.date_naive(), plugin })
}

impl AnalyticsChanges {
    fn installation(&mut self, key: Key, change: &installation::Event) {
        let activity = self.activity.entry(key).or_default();
        match change {
            installation::Event::Installed { .. } => {
                activity.installs += 1;
                activity.active += 1;
            }
            installation::Event::Uninstalled { .. } => {
                activity.uninstalls += 1;
                activity.active -= 1;
            }
            installation::Event::Blocked { .. } => activity.active -= 1,
            installation::Event::Upgraded { .. } => {}
        }
    }

    fn order(&mut self, key: Key, change: &order::Event) {
        match change {
            order::Event::PaymentCompleted { amount, currency, tax, commission, .. } => {
                let money = self.money.entry((key, currency.code())).or_default();
                money.orders += 1;
                money.gross += amount - tax;
                money.commission += commission;
            }
            order::Event::PaymentRefunded { amount, currency, tax, commission, .. }
            | order::Event::Disputed { amount, currency, tax, commission, .. }
            | order::Event::DisputeLost { amount, currency, taken_now: true, tax, commission, .. } => {
                let money = self.money.entry((key, currency.code())).or_default();
                money.refunds += amount - tax;
                money.commission -= commission;
            }
            order::Event::RefundFailed { amount, currency, came_back: true, tax, commission, .. }
            | order::Event::DisputeWon { amount, currency, came_back: true, tax, commission, .. } => {
                let money = self.money.entry((key, currency.code())).or_default();
                money.refunds -= amount - tax;
                money.commission += commission;
            }
            _ => {}
        }
    }

    fn plugin(&mut self, event: &Envelope, change: &plugin::Event) {
        let plugin_id = event.stream.uuid;
        match change {
            plugin::Event::Created { name, details, .. } => {
                let display_name = details.display_name.clone();
                self.plugins.insert(plugin_id, Plugin { plugin_id, name: Some(name.clone()), display_name });
            }
            plugin::Event::Described { details } => {
                let row = self.plugins.entry(plugin_id).or_default();
                row.plugin_id = plugin_id;
                details.display_name.clone_into(&mut row.display_name);
            }
            _ => {}
        }
    }
}

#[async_trait]
impl Changes for AnalyticsChanges {
    fn fold(&mut self, event: &Envelope) {
        match &event.event {
            DomainEvent::Plugin(change) => self.plugin(event, change),
            DomainEvent::Installation(change) => {
                if let Some(key) = key(event) {
                    self.installation(key, change);
                }
            }
            DomainEvent::Order(change) => {
                if let Some(key) = key(event) {
                    self.order(key, change);
                    self.sales.order(event, key, change);
                }
            }
            DomainEvent::Subscription(change) => self.sales.subscription(event, change),
            // All count, also those of a user who has it: where they are counted once, only the public number shows.
            DomainEvent::Download(download::Event::Initiated { .. }) => {
                if let Some(key) = key(event) {
                    self.activity.entry(key).or_default().downloads += 1;
                }
            }
            DomainEvent::Traffic(traffic::Event::Counted { pages, until }) => {
                for page in pages {
                    let (vendor, plugin) = (page.vendor_id.uuid(), page.plugin_id.uuid());
                    let key = Key { vendor, day: until.date_naive(), plugin };
                    self.activity.entry(key).or_default().views += rows::big(page.views);
                }
            }
            DomainEvent::Review(change) => {
                let stars = Stars::of(change);
                if let Some(key) = key(event).filter(|_| stars != Stars::default()) {
                    let activity = self.activity.entry(key).or_default();
                    activity.reviews += stars.count();
                    activity.rating_sum += stars.sum();
                }
            }
            _ => {}
        }
    }

    fn size(&self) -> usize {
        held::<(Key, Activity)>(self.activity.len(), 0)
            + held::<(Key, &str, Money)>(self.money.len(), 0)
            + held::<(Uuid, Plugin)>(self.plugins.len(), 120)
            + self.sales.size()
    }

    async fn flush(self: Box<Self>, tables: &mut Tables<'_>) -> Result<(), sqlx::Error> {
        let Self { activity, money, plugins, sales } = *self;
        if tables.are_fresh() {
            copy(tables, each(activity)).await?;
            copy(tables, each(money)).await?;
        } else {
            flush_activity(tables, &activity).await?;
            flush_money(tables, &money).await?;
        }
        let (new, old) = split(&plugins, |row| row.name.is_some());
        rows::insert(tables, include_str!("new_plugins.sql"), new).await?;
        rows::write(tables, Plugin::TARGET.0, include_str!("old_plugins.sql"), &old).await?;
        sales.flush(tables).await
    }
}

async fn flush_activity(tables: &mut Tables<'_>, activity: &BTreeMap<Key, Activity>) -> Result<(), sqlx::Error> {
    if activity.is_empty() {
        return Ok(());
    }
    tables.key(<(Key, Activity)>::TARGET.0).await?;
    tables
        .run(include_str!("count_activity.sql"), |values| {
            values
                .bind(activity.keys().map(|key| key.vendor).collect::<Vec<_>>())
                .bind(activity.keys().map(|key| key.day).collect::<Vec<_>>())
                .bind(activity.keys().map(|key| key.plugin).collect::<Vec<_>>())
                .bind(activity.values().map(|row| row.installs).collect::<Vec<_>>())
                .bind(activity.values().map(|row| row.uninstalls).collect::<Vec<_>>())
                .bind(activity.values().map(|row| row.active).collect::<Vec<_>>())
                .bind(activity.values().map(|row| row.views).collect::<Vec<_>>())
                .bind(activity.values().map(|row| row.downloads).collect::<Vec<_>>())
                .bind(activity.values().map(|row| row.reviews).collect::<Vec<_>>())
                .bind(activity.values().map(|row| row.rating_sum).collect::<Vec<_>>());
        })
        .await?;
    Ok(())
}

async fn flush_money(tables: &mut Tables<'_>, money: &BTreeMap<(Key, &'static str), Money>) -> Result<(), sqlx::Error> {
    if money.is_empty() {
        return Ok(());
    }
    tables.key(<((Key, &'static str), Money)>::TARGET.0).await?;
    tables
        .run(include_str!("count_money.sql"), |values| {
            values
                .bind(money.keys().map(|(key, _)| key.vendor).collect::<Vec<_>>())
                .bind(money.keys().map(|(key, _)| key.day).collect::<Vec<_>>())
                .bind(money.keys().map(|(key, _)| key.plugin).collect::<Vec<_>>())
                .bind(money.keys().map(|(_, currency)| *currency).collect::<Vec<_>>())
                .bind(money.values().map(|row| row.orders).collect::<Vec<_>>())
                .bind(money.values().map(|row| row.gross).collect::<Vec<_>>())
                .bind(money.values().map(|row| row.refunds).collect::<Vec<_>>())
                .bind(money.values().map(|row| row.commission).collect::<Vec<_>>());
        })
        .await?;
    Ok(())
}
