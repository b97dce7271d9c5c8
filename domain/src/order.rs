//! A purchase and what was paid for it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    id::{OrderId, PluginId, UserId, VendorId},
    listing::{Pricing, Terms},
    money::{BasisPoints, Currency, Money},
};

/// An order as its events tell it.
#[derive(Clone, Debug, Default)]
pub enum State {
    /// Never placed.
    #[default]
    Absent,
    /// Placed.
    Placed(Box<Order>),
}

/// A placed order.
#[derive(Clone, Debug)]
pub struct Order {
    /// Which.
    pub id: OrderId,
    /// Who buys.
    pub buyer: UserId,
    /// What.
    pub plugin: PluginId,
    /// From whom.
    pub vendor: VendorId,
    /// The price when it was placed.
    pub price: Money,
    /// The way of charging when it was placed.
    pub pricing: Pricing,
    /// The terms when it was placed.
    pub terms: Terms,
    /// Through which gateway it is paid.
    pub gateway: Gateway,
    /// The commission when it was placed.
    pub commission: BasisPoints,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
    /// The reference of the payment, once there is one.
    pub payment: Option<String>,
    /// Minor units given back so far.
    pub refunded: i64,
}

/// Through what an order is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gateway {
    /// A bank transfer that an admin has seen.
    Manual,
}

/// What can be asked of an order.
#[derive(Clone, Debug)]
pub enum Command {
    /// Place it.
    Place {
        /// Which.
        id: OrderId,
        /// Who buys.
        buyer: UserId,
        /// What.
        plugin: PluginId,
        /// From whom.
        vendor: VendorId,
        /// What it costs now.
        pricing: Pricing,
        /// What a license allows now.
        terms: Terms,
        /// Through what it is paid.
        gateway: Gateway,
        /// The vendor's commission now.
        commission: BasisPoints,
        /// Whether the plugin can be installed at all: not suspended, with an approved version.
        available: bool,
        /// When.
        now: DateTime<Utc>,
    },
    /// Record the payment.
    CompletePayment {
        /// The gateway's name of the payment.
        reference: String,
        /// What was paid.
        paid: Money,
    },
    /// Give money back.
    Refund {
        /// Minor units; all that is left when absent.
        amount: Option<i64>,
        /// Why.
        reason: String,
    },
}

/// What happens to an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// It was placed.
    #[serde(rename = "order.placed", rename_all = "camelCase")]
    Placed {
        /// Which.
        order_id: OrderId,
        /// Who buys.
        buyer_id: UserId,
        /// What.
        plugin_id: PluginId,
        /// From whom.
        vendor_id: VendorId,
        /// Minor units.
        amount: i64,
        /// Of this currency.
        currency: Currency,
        /// The way of charging.
        pricing: Pricing,
        /// The terms of the license.
        terms: Terms,
        /// Through what it is paid.
        gateway: Gateway,
        /// The vendor's commission, fixed now.
        commission_basis_points: BasisPoints,
        /// When.
        placed_at: DateTime<Utc>,
    },
    /// It was paid.
    #[serde(rename = "payment.completed", rename_all = "camelCase")]
    PaymentCompleted {
        /// The gateway's name of the payment.
        reference: String,
        /// Minor units.
        amount: i64,
        /// Of this currency.
        currency: Currency,
        /// What Souk keeps, minor units.
        commission: i64,
    },
    /// Money was given back.
    #[serde(rename = "payment.refunded", rename_all = "camelCase")]
    PaymentRefunded {
        /// Minor units, this time.
        amount: i64,
        /// Of this currency.
        currency: Currency,
        /// Minor units, with all refunds before.
        refunded_total: i64,
        /// What Souk gives back of its commission, minor units.
        commission: i64,
        /// Whether nothing is left.
        full: bool,
        /// Why.
        reason: String,
    },
}

/// Why an order refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// This id is in use.
    #[error("this order was placed already")]
    AlreadyPlaced,
    /// No such order.
    #[error("this order does not exist")]
    NotPlaced,
    /// Free plugins are installed, not bought.
    #[error("this plugin is free; install it")]
    Free,
    /// Nothing to sell.
    #[error("this plugin cannot be bought now")]
    NotAvailable,
    /// Paid with another reference.
    #[error("this order was paid already by another payment")]
    AlreadyPaid,
    /// The payment is not of this order's amount or currency.
    #[error("the payment does not match the order: {expected_amount} {expected_currency} is due")]
    PaymentMismatch {
        /// Minor units due.
        expected_amount: i64,
        /// Of this currency.
        expected_currency: Currency,
    },
    /// Nothing was paid yet.
    #[error("this order is not paid")]
    NotPaid,
    /// More than what is left.
    #[error("a refund of {wanted} is more than the {left} that is left")]
    RefundTooLarge {
        /// Minor units asked for.
        wanted: i64,
        /// Minor units left.
        left: i64,
    },
    /// Zero or less.
    #[error("a refund is at least 1 minor unit")]
    RefundNotPositive,
}
