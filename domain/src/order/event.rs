//! What happens to an order.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    Billed, Cancellation, Dispute, DisputeStatus, Gateway, Mismatch, Order, OrderStatus, Payment, Refund, RefundStatus,
};
use crate::{
    id::{OrderId, PluginId, RefundId, UserId, VendorId},
    listing::{Pricing, Terms},
    money::{BasisPoints, Currency, Money},
};

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
        /// Which interval of a subscription it pays.
        subscription: Option<Billed>,
        /// The vendor's own account at the gateway, where it is paid by the gateway.
        payout_account: Option<String>,
        /// When.
        placed_at: DateTime<Utc>,
    },
    /// A checkout was opened at the gateway.
    #[serde(rename = "order.checkout_opened", rename_all = "camelCase")]
    CheckoutOpened {
        /// The gateway's name of it.
        reference: String,
    },
    /// It cannot be paid any more.
    #[serde(rename = "order.canceled", rename_all = "camelCase")]
    Canceled {
        /// Why.
        reason: Cancellation,
    },
    /// It was paid.
    #[serde(rename = "payment.completed", rename_all = "camelCase")]
    PaymentCompleted {
        /// The gateway's name of the payment.
        reference: String,
        /// Every name that the gateway has for it.
        names: Vec<String>,
        /// Minor units, with taxes.
        amount: i64,
        /// Of this currency.
        currency: Currency,
        /// Taxes in it, minor units.
        tax: i64,
        /// What Souk keeps, minor units.
        commission: i64,
        /// What the gateway keeps, minor units, where it said so.
        fee: Option<i64>,
        /// Where the buyer is, ISO 3166-1 alpha-2, where the gateway said so.
        country: Option<String>,
        /// When it was paid; absent in what was recorded before that was told.
        paid_at: Option<DateTime<Utc>>,
    },
    /// An attempt to pay did not work.
    #[serde(rename = "payment.failed", rename_all = "camelCase")]
    PaymentFailed {
        /// The gateway's name of it.
        reference: String,
        /// The gateway's code.
        code: String,
    },
    /// Money came in that pays nothing.
    #[serde(rename = "payment.unmatched", rename_all = "camelCase")]
    PaymentUnmatched {
        /// The gateway's name of the payment.
        reference: String,
        /// Minor units.
        amount: i64,
        /// Of this currency.
        currency: Currency,
        /// What is wrong with it.
        problem: Mismatch,
    },
    /// Money that paid nothing went back.
    #[serde(rename = "payment.unmatched_returned", rename_all = "camelCase")]
    UnmatchedReturned {
        /// The gateway's name of the payment.
        reference: String,
        /// The gateway's name of the refund.
        refund_reference: String,
        /// Minor units.
        amount: i64,
        /// Of this currency.
        currency: Currency,
    },
    /// The gateway is to give money back.
    #[serde(rename = "payment.refund_requested", rename_all = "camelCase")]
    RefundRequested {
        /// Which.
        refund_id: RefundId,
        /// Minor units.
        amount: i64,
        /// Of this currency.
        currency: Currency,
        /// Why.
        reason: String,
    },
    /// Money was given back.
    #[serde(rename = "payment.refunded", rename_all = "camelCase")]
    PaymentRefunded {
        /// Which; absent in what was recorded before refunds had names.
        refund_id: Option<RefundId>,
        /// The gateway's name of it.
        reference: Option<String>,
        /// Minor units, this time.
        amount: i64,
        /// Of this currency.
        currency: Currency,
        /// Minor units, with all refunds before.
        refunded_total: i64,
        /// What Souk gives back of its commission, minor units.
        commission: i64,
        /// Taxes in it, minor units.
        tax: i64,
        /// Whether nothing is left.
        full: bool,
        /// Why.
        reason: String,
        /// Where the order stands now.
        status: OrderStatus,
    },
    /// Money was not given back, or came back.
    #[serde(rename = "payment.refund_failed", rename_all = "camelCase")]
    RefundFailed {
        /// Which.
        refund_id: RefundId,
        /// The gateway's name of it.
        reference: String,
        /// Minor units.
        amount: i64,
        /// Of this currency.
        currency: Currency,
        /// The gateway's code.
        code: String,
        /// Whether it had been given back before.
        came_back: bool,
        /// Minor units that are given back now, in all.
        refunded_total: i64,
        /// What Souk takes of its commission again, minor units.
        commission: i64,
        /// Taxes in it, minor units.
        tax: i64,
        /// Where the order stands now.
        status: OrderStatus,
    },
    /// The payer contests the payment: the money is taken away until that is decided.
    #[serde(rename = "payment.disputed", rename_all = "camelCase")]
    Disputed {
        /// The gateway's name of the dispute.
        dispute_id: String,
        /// Minor units.
        amount: i64,
        /// Of this currency.
        currency: Currency,
        /// The gateway's word for why.
        reason: String,
        /// What Souk gives back of its commission, minor units.
        commission: i64,
        /// Taxes in it, minor units.
        tax: i64,
        /// Where the order stands now.
        status: OrderStatus,
    },
    /// It was decided for the vendor.
    #[serde(rename = "payment.dispute_won", rename_all = "camelCase")]
    DisputeWon {
        /// The gateway's name of the dispute.
        dispute_id: String,
        /// Minor units.
        amount: i64,
        /// Of this currency.
        currency: Currency,
        /// Whether the money had been taken away.
        came_back: bool,
        /// What Souk takes of its commission again, minor units.
        commission: i64,
        /// Taxes in it, minor units.
        tax: i64,
        /// Where the order stands now.
        status: OrderStatus,
    },
    /// It was decided for the payer.
    #[serde(rename = "payment.dispute_lost", rename_all = "camelCase")]
    DisputeLost {
        /// The gateway's name of the dispute.
        dispute_id: String,
        /// Minor units.
        amount: i64,
        /// Of this currency.
        currency: Currency,
        /// Whether the money is taken away only now.
        taken_now: bool,
        /// What Souk gives back of its commission now, minor units.
        commission: i64,
        /// Taxes in what is taken away now, minor units.
        tax: i64,
        /// Where the order stands now.
        status: OrderStatus,
    },
}

impl Event {
    /// The type under which the log keeps it.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Placed { .. } => "order.placed",
            Self::CheckoutOpened { .. } => "order.checkout_opened",
            Self::Canceled { .. } => "order.canceled",
            Self::PaymentCompleted { .. } => "payment.completed",
            Self::PaymentFailed { .. } => "payment.failed",
            Self::PaymentUnmatched { .. } => "payment.unmatched",
            Self::UnmatchedReturned { .. } => "payment.unmatched_returned",
            Self::RefundRequested { .. } => "payment.refund_requested",
            Self::PaymentRefunded { .. } => "payment.refunded",
            Self::RefundFailed { .. } => "payment.refund_failed",
            Self::Disputed { .. } => "payment.disputed",
            Self::DisputeWon { .. } => "payment.dispute_won",
            Self::DisputeLost { .. } => "payment.dispute_lost",
        }
    }

    /// The same, saying where `order` stands after it.
    pub(super) fn of(mut self, order: &Order) -> Self {
        let mut after = order.clone();
        after.apply(&self);
        if let Self::PaymentRefunded { status, .. }
        | Self::RefundFailed { status, .. }
        | Self::Disputed { status, .. }
        | Self::DisputeWon { status, .. }
        | Self::DisputeLost { status, .. } = &mut self
        {
            *status = after.status();
        }
        self
    }

    pub(super) fn first_state(&self) -> Option<Order> {
        let Self::Placed {
            order_id,
            buyer_id,
            plugin_id,
            vendor_id,
            amount,
            currency,
            pricing,
            terms,
            gateway,
            commission_basis_points,
            subscription,
            payout_account,
            placed_at,
        } = self
        else {
            return None;
        };
        Some(Order {
            id: *order_id,
            buyer: *buyer_id,
            plugin: *plugin_id,
            vendor: *vendor_id,
            price: Money { amount: *amount, currency: *currency },
            pricing: pricing.clone(),
            terms: terms.clone(),
            gateway: *gateway,
            commission: *commission_basis_points,
            placed_at: *placed_at,
            subscription: *subscription,
            payout_account: payout_account.clone(),
            checkout: None,
            canceled: None,
            payment: None,
            refunds: BTreeMap::new(),
            disputes: BTreeMap::new(),
            refunded: 0,
            commission_returned: 0,
            tax_returned: 0,
            failures: BTreeSet::new(),
            unmatched: BTreeMap::new(),
            unmatched_refunds: BTreeSet::new(),
        })
    }
}

impl Order {
    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::Placed { .. } => {}
            Event::CheckoutOpened { reference } => self.checkout = Some(reference.clone()),
            Event::Canceled { reason } => self.canceled = Some(*reason),
            Event::PaymentCompleted { reference, names, amount, tax, commission, paid_at, .. } => {
                self.payment = Some(Payment {
                    reference: reference.clone(),
                    names: names.clone(),
                    total: *amount,
                    tax: *tax,
                    commission: *commission,
                    paid_at: *paid_at,
                });
            }
            Event::PaymentFailed { reference, .. } => {
                self.failures.insert(reference.clone());
            }
            Event::PaymentUnmatched { reference, amount, currency, .. } => {
                self.unmatched.insert(reference.clone(), Money { amount: *amount, currency: *currency });
            }
            Event::UnmatchedReturned { refund_reference, .. } => {
                self.unmatched_refunds.insert(refund_reference.clone());
            }
            Event::RefundRequested { refund_id, amount, .. } => {
                self.note_refund(*refund_id, *amount, RefundStatus::Pending)
            }
            Event::PaymentRefunded { refund_id, amount, refunded_total, commission, tax, .. } => {
                if let Some(id) = refund_id {
                    self.note_refund(*id, *amount, RefundStatus::Succeeded);
                }
                self.refunded = *refunded_total;
                self.give_back(*commission, *tax);
            }
            Event::RefundFailed { refund_id, amount, refunded_total, commission, tax, .. } => {
                self.note_refund(*refund_id, *amount, RefundStatus::Failed);
                self.refunded = *refunded_total;
                self.give_back(-*commission, -*tax);
            }
            Event::Disputed { dispute_id, amount, commission, tax, .. } => {
                self.note_dispute(dispute_id, *amount, DisputeStatus::Open);
                self.give_back(*commission, *tax);
            }
            Event::DisputeWon { dispute_id, amount, commission, tax, .. } => {
                self.note_dispute(dispute_id, *amount, DisputeStatus::Won);
                self.give_back(-*commission, -*tax);
            }
            Event::DisputeLost { dispute_id, amount, commission, tax, .. } => {
                self.note_dispute(dispute_id, *amount, DisputeStatus::Lost);
                self.give_back(*commission, *tax);
            }
        }
    }

    fn note_refund(&mut self, id: RefundId, amount: i64, status: RefundStatus) {
        self.refunds.insert(id, Refund { amount, status });
    }

    fn note_dispute(&mut self, id: &str, amount: i64, status: DisputeStatus) {
        self.disputes.insert(id.to_owned(), Dispute { amount, status });
    }

    fn give_back(&mut self, commission: i64, tax: i64) {
        self.commission_returned += commission;
        self.tax_returned += tax;
    }
}
