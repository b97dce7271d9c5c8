//! What comes in.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Error, Event, Order};
use crate::money::Money;

/// The payment of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The gateway's name of it.
    pub reference: String,
    /// Every name that the gateway has for it.
    pub names: Vec<String>,
    /// Minor units that were paid, with taxes.
    pub total: i64,
    /// Taxes in it, minor units.
    pub tax: i64,
    /// What Souk keeps, minor units.
    pub commission: i64,
    /// When it was paid, where that was said; else when it was recorded.
    pub paid_at: Option<DateTime<Utc>>,
}

/// A payment as it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The gateway's name of it.
    pub reference: String,
    /// Every name that the gateway has for it.
    pub names: Vec<String>,
    /// How much, with taxes.
    pub paid: Money,
    /// Taxes in it, minor units; none where this notice does not say.
    pub tax: Option<i64>,
    /// What the gateway keeps, minor units, where it says so.
    pub fee: Option<i64>,
    /// Where the buyer is, ISO 3166-1 alpha-2, where the gateway says so.
    pub country: Option<String>,
    /// When.
    pub paid_at: DateTime<Utc>,
}

/// Why money that came in pays nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mismatch {
    /// More or less than what is due.
    Amount,
    /// Not of the currency of the price.
    Currency,
    /// The order was canceled before.
    OrderCanceled,
    /// Another payment was faster.
    AlreadyPaid,
}

impl Receipt {
    /// Whether it is another word for `payment`.
    fn is(&self, payment: &Payment) -> bool {
        let known = |name: &String| *name == payment.reference || payment.names.contains(name);
        known(&self.reference) || self.names.iter().any(known)
    }

    /// What does not fit `price`. Taxes may lie within it or on top of it.
    fn mismatch(&self, price: Money) -> Option<Mismatch> {
        let Money { amount, currency } = self.paid;
        if currency != price.currency {
            return Some(Mismatch::Currency);
        }
        let tax = self.tax.unwrap_or(0);
        let fits = (0..=amount).contains(&tax) && (amount == price.amount || amount - tax == price.amount);
        (!fits).then_some(Mismatch::Amount)
    }
}

pub(super) fn complete(order: &Order, receipt: Receipt) -> Result<Option<Event>, Error> {
    let known = order.payment.as_ref();
    if known.is_some_and(|payment| !receipt.is(payment)) {
        return Err(Error::AlreadyPaid);
    }
    if known
        .is_some_and(|payment| payment.total == receipt.paid.amount && receipt.paid.currency == order.price.currency)
    {
        return Ok(None);
    }
    if let Some(problem) = receipt.mismatch(order.price) {
        // Taxes on top of the price may be what is too much; another notice says.
        if known.is_none()
            && problem == Mismatch::Amount
            && receipt.tax.is_none()
            && receipt.paid.amount > order.price.amount
        {
            return Err(Error::TaxesNotTold);
        }
        let (expected_amount, expected_currency) = (order.price.amount, order.price.currency);
        return Err(Error::PaymentMismatch { expected_amount, expected_currency, problem });
    }
    if known.is_some() {
        return Ok(None);
    }
    if order.canceled.is_some() {
        return Err(Error::Canceled);
    }
    let Receipt { reference, names, paid, tax, fee, country, paid_at } = receipt;
    let tax = tax.unwrap_or(0);
    Ok(Some(Event::PaymentCompleted {
        reference,
        names,
        amount: paid.amount,
        currency: paid.currency,
        tax,
        commission: order.commission.of(paid.amount - tax),
        fee,
        country,
        paid_at: Some(paid_at),
    }))
}

pub(super) fn unmatched(order: &Order, reference: String, paid: Money, problem: Mismatch) -> Option<Event> {
    let known = order.unmatched.contains_key(&reference);
    let Money { amount, currency } = paid;
    (!known).then_some(Event::PaymentUnmatched { reference, amount, currency, problem })
}

pub(super) fn return_unmatched(order: &Order, reference: String, refund: String, amount: Money) -> Option<Event> {
    let known = !order.unmatched.contains_key(&reference) || order.unmatched_refunds.contains(&refund);
    let Money { amount, currency } = amount;
    (!known).then_some(Event::UnmatchedReturned { reference, refund_reference: refund, amount, currency })
}
