//! What vendors earn and are paid.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use souk_app::payouts as paid;
use souk_domain::{
    id::{PayoutId, VendorId},
    order::Gateway,
    vendor::{self, Vendor},
};
use souk_projections::earnings as rows;
use utoipa::ToSchema;
use uuid::Uuid;

/// What a vendor has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Earnings {
    /// By currency, in the order of their codes.
    pub balances: Vec<Balance>,
}

/// What a vendor has in one currency. Amounts are minor units. `balance` is `pending` and `available`; `lifetime` is `balance`,
/// `inTransit`, `paidOut` and `direct`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Balance {
    /// ISO 4217 code.
    pub currency: String,
    /// What is owed to the vendor.
    pub balance: i64,
    /// What of that was paid too lately to be paid out.
    pub pending: i64,
    /// What can be paid out; below zero when more went back than was left.
    pub available: i64,
    /// What is on its way: payouts that were asked for.
    pub in_transit: i64,
    /// What the vendor was paid.
    pub paid_out: i64,
    /// What gateways paid to the vendor's own account, less what went back of that.
    pub direct: i64,
    /// The vendor's share of everything that was ever paid, less what went back.
    pub lifetime: i64,
}

impl From<rows::Balance> for Balance {
    fn from(row: rows::Balance) -> Self {
        Self {
            available: row.available(),
            lifetime: row.lifetime(),
            currency: row.currency,
            balance: row.balance,
            pending: row.pending,
            in_transit: row.in_transit,
            paid_out: row.paid_out,
            direct: row.direct,
        }
    }
}

/// A transaction. Amounts are minor units; what comes in is positive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EarningsEntry {
    /// The position of its event.
    pub position: i64,
    /// What happened.
    #[schema(
        pattern = "^(payment|refund|refund_reversal|dispute|dispute_reversal|payout_requested|payout_paid|payout_failed)$"
    )]
    pub kind: String,
    /// ISO 4217 code.
    pub currency: String,
    /// When it was booked.
    pub booked_at: DateTime<Utc>,
    /// Of a payment: when it was paid, from when on its hold counts.
    pub paid_at: Option<DateTime<Utc>>,
    /// Of which order.
    pub order_id: Option<Uuid>,
    /// Of which payout.
    pub payout_id: Option<Uuid>,
    /// For which plugin.
    pub plugin_id: Option<Uuid>,
    /// Its unique name.
    pub plugin_name: Option<String>,
    /// What the buyer paid, or got back, with taxes.
    pub gross: i64,
    /// What of that are taxes, with the opposite sign.
    pub tax: i64,
    /// What of that Souk keeps, with the opposite sign.
    pub commission: i64,
    /// By how much the balance changes.
    pub amount: i64,
    /// What the gateway pays to the vendor's own account.
    pub direct: i64,
}

impl From<rows::Entry> for EarningsEntry {
    fn from(row: rows::Entry) -> Self {
        Self {
            position: row.position,
            kind: row.kind,
            currency: row.currency,
            booked_at: row.booked_at,
            paid_at: row.paid_at,
            order_id: row.order_id,
            payout_id: row.payout_id,
            plugin_id: row.plugin_id,
            plugin_name: row.plugin_id.map(|_| row.plugin_name),
            gross: row.gross,
            tax: row.tax,
            commission: row.commission,
            amount: row.amount,
            direct: row.direct,
        }
    }
}

/// A payout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Payout {
    /// Which.
    pub id: Uuid,
    /// To whom.
    pub vendor_id: Uuid,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// Where it stands.
    #[schema(pattern = "^(requested|paid|failed)$")]
    pub status: String,
    /// The batch that it belongs to.
    pub batch_id: Option<Uuid>,
    /// When it was asked for; null while the read models do not know it yet.
    pub requested_at: Option<DateTime<Utc>>,
    /// When it was paid, or failed.
    pub settled_at: Option<DateTime<Utc>>,
    /// The bank's name of the transfer.
    pub reference: Option<String>,
    /// Why it failed.
    pub reason: Option<String>,
}

impl Payout {
    /// As the vendor's stream tells it.
    #[must_use]
    pub fn of_stream(vendor: VendorId, id: PayoutId, payout: &vendor::Payout, batch: Option<Uuid>) -> Self {
        Self {
            id: id.uuid(),
            vendor_id: vendor.uuid(),
            amount: payout.amount.amount,
            currency: payout.amount.currency.code().to_owned(),
            status: payout.status.to_string(),
            batch_id: batch,
            requested_at: None,
            settled_at: None,
            reference: None,
            reason: None,
        }
    }
}

impl From<rows::Payout> for Payout {
    fn from(row: rows::Payout) -> Self {
        Self {
            id: row.id,
            vendor_id: row.vendor_id,
            amount: row.amount,
            currency: row.currency,
            status: row.status,
            batch_id: row.batch_id,
            requested_at: Some(row.requested_at),
            settled_at: row.settled_at,
            reference: row.reference,
            reason: row.reason,
        }
    }
}

/// Payouts that were asked for together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PayoutBatch {
    /// Which.
    pub batch_id: Uuid,
    /// What is to be transferred.
    pub payouts: Vec<Payout>,
    /// Who has something and gets nothing now.
    pub skipped: Vec<SkippedVendor>,
}

/// A vendor that gets nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SkippedVendor {
    /// Which.
    pub vendor: Uuid,
    /// Why, in the words of `details.reason`.
    #[schema(example = "payout_too_small")]
    pub reason: String,
}

impl PayoutBatch {
    /// As the vendors' streams tell it.
    #[must_use]
    pub fn of_streams(batch_id: Uuid, batch: paid::Batch) -> Self {
        let payout = |(vendor, id, payout)| Payout::of_stream(vendor, id, &payout, Some(batch_id));
        let skipped =
            |(vendor, reason): (VendorId, &str)| SkippedVendor { vendor: vendor.uuid(), reason: reason.to_owned() };
        Self {
            batch_id,
            payouts: batch.payouts.into_iter().map(payout).collect(),
            skipped: batch.skipped.into_iter().map(skipped).collect(),
        }
    }
}

/// To which accounts of its own gateways pay a vendor's share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PayoutAccounts {
    /// The gateways' names of them, by gateway.
    pub accounts: BTreeMap<String, String>,
}

impl From<Vendor> for PayoutAccounts {
    fn from(vendor: Vendor) -> Self {
        let named = |(gateway, account): (Gateway, String)| (gateway.as_str().to_owned(), account);
        Self { accounts: vendor.payout_accounts.into_iter().map(named).collect() }
    }
}

/// An invoice, or a credit note for money that went back. Amounts are minor units and positive in both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Invoice {
    /// Its number, unique and without gaps among those of its vendor and kind.
    #[schema(example = "INV-000001")]
    pub number: String,
    /// Which of the two.
    #[schema(pattern = "^(invoice|credit_note)$")]
    pub kind: String,
    /// From whom.
    pub vendor_id: Uuid,
    /// The vendor's name.
    pub vendor_name: String,
    /// Of which order.
    pub order_id: Uuid,
    /// For what.
    pub plugin_id: Uuid,
    /// The plugin's unique name.
    pub plugin_name: String,
    /// With taxes.
    pub amount: i64,
    /// Taxes in it.
    pub tax: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
}

impl From<rows::Invoice> for Invoice {
    fn from(row: rows::Invoice) -> Self {
        let prefix = if row.kind == "invoice" { "INV" } else { "CN" };
        Self {
            number: format!("{prefix}-{:06}", row.number),
            kind: row.kind,
            vendor_id: row.vendor_id,
            vendor_name: row.vendor_name,
            order_id: row.order_id,
            plugin_id: row.plugin_id,
            plugin_name: row.plugin_name,
            amount: row.amount,
            tax: row.tax,
            currency: row.currency,
            issued_at: row.issued_at,
        }
    }
}
