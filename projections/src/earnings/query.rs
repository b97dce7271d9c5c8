//! What is read of the ledger. Names come from the catalogue, so that queries with names need a guard that sees both.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::Serialize;
use souk_projector::ReadGuard;
use sqlx::{AssertSqlSafe, FromRow};
use uuid::Uuid;

use crate::{
    Page, QueryError,
    cursor::{Cursor, page},
};

/// What one vendor has in one currency, minor units. `balance` is `pending` and `available`; `lifetime` is `balance`, `in_transit`,
/// `paid_out` and `direct`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Balance {
    /// ISO 4217 code.
    pub currency: String,
    /// What is owed to it.
    pub balance: i64,
    /// What of that was paid too lately to be paid out.
    pub pending: i64,
    /// What is on its way to it.
    pub in_transit: i64,
    /// What it was paid.
    pub paid_out: i64,
    /// What gateways paid to it directly, less what went back of that.
    pub direct: i64,
}

impl Balance {
    /// What can be paid out; below zero when more went back than was left.
    #[must_use]
    pub const fn available(&self) -> i64 {
        self.balance - self.pending
    }

    /// Its share of everything that was ever paid, less what went back.
    #[must_use]
    pub const fn lifetime(&self) -> i64 {
        self.balance + self.in_transit + self.paid_out + self.direct
    }
}

/// Which days and which currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first UTC day; from the beginning when absent.
    pub from: Option<NaiveDate>,
    /// The last UTC day, included; until now when absent.
    pub to: Option<NaiveDate>,
    /// ISO 4217 code; all when absent.
    pub currency: Option<String>,
}

impl Span {
    /// The first moment, included, and the last, excluded.
    pub(super) fn bounds(&self) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        // The day after the last that there is has no name, and nothing was booked then.
        (self.from.map(midnight), self.to.and_then(|day| day.succ_opt()).map(midnight))
    }

    fn context(&self) -> String {
        let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
        format!("{}:{}:{}", day(self.from), day(self.to), self.currency.as_deref().unwrap_or_default())
    }
}

/// A transaction as its vendor sees it, minor units. What comes in is positive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The position of its event.
    pub position: i64,
    /// `payment`, `refund`, `refund_reversal`, `dispute`, `dispute_reversal`, `payout_requested`, `payout_paid` or `payout_failed`.
    pub kind: String,
    /// ISO 4217 code.
    pub currency: String,
    /// When it was booked.
    pub booked_at: DateTime<Utc>,
    /// Of a payment: when it was paid.
    pub paid_at: Option<DateTime<Utc>>,
    /// Of which order.
    pub order_id: Option<Uuid>,
    /// Of which payout.
    pub payout_id: Option<Uuid>,
    /// For which plugin.
    pub plugin_id: Option<Uuid>,
    /// Its unique name; empty without one.
    pub plugin_name: String,
    /// What its buyer paid, or the bank was sent, with taxes and fees.
    pub gross: i64,
    /// What of that are taxes; negative, for it is not the vendor's.
    pub tax: i64,
    /// What of that Souk keeps; negative as well.
    pub commission: i64,
    /// By how much it changes the balance.
    pub amount: i64,
    /// What the gateway pays to the vendor directly.
    pub direct: i64,
}

/// A payout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Payout {
    /// Which.
    pub id: Uuid,
    /// To whom.
    pub vendor_id: Uuid,
    /// The vendor's name.
    pub vendor_name: String,
    /// The vendor's unique short name.
    pub vendor_slug: String,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// `requested`, `paid` or `failed`.
    pub status: String,
    /// The batch that it belongs to.
    pub batch_id: Option<Uuid>,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When it was paid, or failed.
    pub settled_at: Option<DateTime<Utc>>,
    /// The bank's name of the transfer.
    pub reference: Option<String>,
    /// Why it failed.
    pub reason: Option<String>,
    #[serde(skip)]
    position: i64,
}

/// An invoice or a credit note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Invoice {
    /// `invoice` or `credit_note`.
    pub kind: String,
    /// Its number among those of its vendor and kind, from 1 on.
    pub number: i64,
    /// The event that it is about.
    pub source_id: Uuid,
    /// Of which order.
    pub order_id: Uuid,
    /// For whom.
    pub buyer_id: Uuid,
    /// For what.
    pub plugin_id: Uuid,
    /// The plugin's unique name.
    pub plugin_name: String,
    /// From whom.
    pub vendor_id: Uuid,
    /// The vendor's name.
    pub vendor_name: String,
    /// Minor units, with taxes.
    pub amount: i64,
    /// Taxes in it, minor units.
    pub tax: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    #[serde(skip)]
    position: i64,
}

/// What `vendor` has, by currency. Payments after `held_after` are pending.
///
/// # Errors
/// See [`QueryError`].
pub async fn balances(guard: &ReadGuard, vendor: Uuid, held_after: DateTime<Utc>) -> Result<Vec<Balance>, QueryError> {
    let found = sqlx::query_as(include_str!("balances.sql")).bind(vendor).bind(held_after).fetch_all(guard.pool());
    Ok(found.await?)
}

/// All that `vendor` ever earned in `currency` and may have, minor units: its share of what was paid until `before`, less all that went
/// back.
///
/// # Errors
/// See [`QueryError`].
pub async fn earned(guard: &ReadGuard, vendor: Uuid, currency: &str, before: DateTime<Utc>) -> Result<i64, QueryError> {
    let sum = sqlx::query_scalar(include_str!("earned.sql")).bind(vendor).bind(currency).bind(before);
    Ok(sum.fetch_one(guard.pool()).await?)
}

/// The vendors that anything is owed to in `currency`.
///
/// # Errors
/// See [`QueryError`].
pub async fn owed(guard: &ReadGuard, currency: &str) -> Result<Vec<Uuid>, QueryError> {
    Ok(sqlx::query_scalar(include_str!("owed.sql")).bind(currency).fetch_all(guard.pool()).await?)
}

/// The transactions of `vendor`, the newest first.
///
/// # Errors
/// See [`QueryError`].
pub async fn entries(
    guard: &ReadGuard,
    vendor: Uuid,
    span: &Span,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page<Entry>, QueryError> {
    let context = format!("earnings:{vendor}:{}", span.context());
    let below = Cursor::decode_optional(&context, cursor)?.map_or(i64::MAX, |cursor| cursor.key);
    let rows = read_entries(guard, vendor, span, below, i64::from(limit) + 1).await?;
    let place = |row: &Entry| Cursor { key: row.position, id: Uuid::nil() };
    Ok(page(rows, limit as usize, &context, place, |row| row))
}

pub(super) async fn read_entries(
    guard: &ReadGuard,
    vendor: Uuid,
    span: &Span,
    below: i64,
    limit: i64,
) -> Result<Vec<Entry>, QueryError> {
    let (from, before) = span.bounds();
    let rows = sqlx::query_as(include_str!("entries.sql")).bind(vendor).bind(from).bind(before).bind(&span.currency);
    Ok(rows.bind(below).bind(limit).fetch_all(guard.pool()).await?)
}

const PAYOUTS: &str = include_str!("payouts.sql");

/// The payouts of `vendor`, the newest first.
///
/// # Errors
/// See [`QueryError`].
pub async fn payouts(
    guard: &ReadGuard,
    vendor: Uuid,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page<Payout>, QueryError> {
    let context = format!("payouts:{vendor}");
    let below = Cursor::decode_optional(&context, cursor)?.map_or(i64::MAX, |cursor| cursor.key);
    let sql = format!("{PAYOUTS} WHERE p.vendor_id = $1 AND p.position < $2 ORDER BY p.position DESC LIMIT $3");
    let rows = sqlx::query_as(AssertSqlSafe(sql)).bind(vendor).bind(below).bind(i64::from(limit) + 1);
    let place = |row: &Payout| Cursor { key: row.position, id: row.id };
    Ok(page(rows.fetch_all(guard.pool()).await?, limit as usize, &context, place, |row| row))
}

/// One payout.
///
/// # Errors
/// See [`QueryError`].
pub async fn payout(guard: &ReadGuard, payout: Uuid) -> Result<Option<Payout>, QueryError> {
    let sql = format!("{PAYOUTS} WHERE p.payout_id = $1");
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(payout).fetch_optional(guard.pool()).await?)
}

/// The payouts of a batch, by vendor.
///
/// # Errors
/// See [`QueryError`].
pub async fn batch(guard: &ReadGuard, batch: Uuid) -> Result<Vec<Payout>, QueryError> {
    let sql = format!("{PAYOUTS} WHERE p.batch_id = $1 ORDER BY p.vendor_id, p.payout_id");
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(batch).fetch_all(guard.pool()).await?)
}

const INVOICES: &str = include_str!("invoices.sql");

/// What `vendor` issued, the newest first.
///
/// # Errors
/// See [`QueryError`].
pub async fn invoices_of_vendor(
    guard: &ReadGuard,
    vendor: Uuid,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page<Invoice>, QueryError> {
    let context = format!("invoices:{vendor}");
    let below = Cursor::decode_optional(&context, cursor)?.map_or(i64::MAX, |cursor| cursor.key);
    let sql = format!("{INVOICES} WHERE i.vendor_id = $1 AND i.position < $2 ORDER BY i.position DESC LIMIT $3");
    let rows = sqlx::query_as(AssertSqlSafe(sql)).bind(vendor).bind(below).bind(i64::from(limit) + 1);
    let place = |row: &Invoice| Cursor { key: row.position, id: row.source_id };
    Ok(page(rows.fetch_all(guard.pool()).await?, limit as usize, &context, place, |row| row))
}

/// What was issued of an order, the oldest first. An order has a few.
///
/// # Errors
/// See [`QueryError`].
pub async fn invoices_of_order(guard: &ReadGuard, order: Uuid) -> Result<Vec<Invoice>, QueryError> {
    let sql = format!("{INVOICES} WHERE i.order_id = $1 ORDER BY i.position");
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(order).fetch_all(guard.pool()).await?)
}
