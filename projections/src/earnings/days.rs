//! Sums of entries by day, so that a balance does not read every entry.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use souk_projector::Tables;
use uuid::Uuid;

use super::fold::EntryRow;
use crate::{
    copy::{Fields, Row, copy},
    rows::each,
};

/// A UTC day of an account of a vendor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    vendor: Uuid,
    currency: &'static str,
    day: NaiveDate,
    account: &'static str,
    kind: &'static str,
}

/// What was booked, minor units.
pub(super) type Days = BTreeMap<Key, i64>;

impl Row for (Key, i64) {
    const TARGET: (&'static str, &'static str) = ("earnings_day", "vendor_id, currency, day, account, kind, amount");

    fn put(&self, fields: &mut Fields<'_>) {
        let (key, amount) = self;
        fields.uuid(key.vendor).text(key.currency).day(key.day).text(key.account).text(key.kind).big(*amount);
    }
}

/// The sums of `entries` on the accounts that vendors read.
pub(super) fn sums(entries: &[EntryRow]) -> Days {
    let mut days = Days::new();
    for entry in entries.iter().filter(|entry| matches!(entry.account, "vendor" | "transfer" | "payout")) {
        let key = Key {
            vendor: entry.vendor_id,
            currency: entry.currency,
            day: entry.booked_at.date_naive(),
            account: entry.account,
            kind: entry.kind,
        };
        *days.entry(key).or_default() += entry.amount;
    }
    days
}

/// Adds `days` to what the table has.
pub(super) async fn flush(tables: &mut Tables<'_>, days: Days) -> Result<(), sqlx::Error> {
    if days.is_empty() {
        return Ok(());
    }
    if tables.are_fresh() {
        return copy(tables, each(days)).await;
    }
    tables.key(<(Key, i64)>::TARGET.0).await?;
    tables
        .run(include_str!("count_days.sql"), |values| {
            values
                .bind(days.keys().map(|key| key.vendor).collect::<Vec<_>>())
                .bind(days.keys().map(|key| key.currency).collect::<Vec<_>>())
                .bind(days.keys().map(|key| key.day).collect::<Vec<_>>())
                .bind(days.keys().map(|key| key.account).collect::<Vec<_>>())
                .bind(days.keys().map(|key| key.kind).collect::<Vec<_>>())
                .bind(days.into_values().collect::<Vec<_>>());
        })
        .await?;
    Ok(())
}
