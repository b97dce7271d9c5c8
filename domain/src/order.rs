//! A purchase: what was paid for it, given back of it, and contested.
//!
//! Gateways tell at least once, in any order and late. So everything that they say is recorded by their name of it, once, and
//! what an order amounts to does not depend on which came first; what cannot be true yet is refused until it can.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    decider::Decider,
    id::{OrderId, PluginId, RefundId, SubscriptionId, UserId, VendorId},
    listing::{Pricing, Terms},
    money::{BasisPoints, Currency, Money},
    stream::Category,
};

mod dispute;
mod event;
mod payment;
mod refund;

pub use self::{
    dispute::{Contest, Dispute, DisputeStatus},
    event::Event,
    payment::{Mismatch, Payment, Receipt},
    refund::{Refund, RefundStatus, Settlement},
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
    /// The subscription of which it pays an interval.
    pub subscription: Option<Billed>,
    /// The vendor's own account at the gateway, where it is paid by the gateway.
    pub payout_account: Option<String>,
    /// The gateway's name of the checkout, once one was opened.
    pub checkout: Option<String>,
    /// Why it cannot be paid any more.
    pub canceled: Option<Cancellation>,
    /// The payment, once there is one.
    pub payment: Option<Payment>,
    /// What was asked or told to be given back.
    pub refunds: BTreeMap<RefundId, Refund>,
    /// Where its payer contests it, by the gateway's names.
    pub disputes: BTreeMap<String, Dispute>,
    /// Minor units given back so far.
    pub refunded: i64,
    /// What Souk gave back of its commission so far, minor units.
    pub commission_returned: i64,
    /// What of the returned money were taxes, minor units.
    pub tax_returned: i64,
    /// Attempts to pay that did not work, by the gateway's names.
    pub failures: BTreeSet<String>,
    /// Money that came in and pays nothing, by the gateway's names.
    pub unmatched: BTreeMap<String, Money>,
    /// Refunds of such money, by the gateway's names.
    pub unmatched_refunds: BTreeSet<String>,
}

/// Which interval of which subscription an order pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Billed {
    /// The subscription.
    pub subscription_id: SubscriptionId,
    /// Whether another order began it.
    pub renewal: bool,
    /// Days that are free before the first payment.
    pub trial_days: u32,
}

impl Order {
    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> OrderStatus {
        let Some(payment) = &self.payment else {
            return if self.canceled.is_some() { OrderStatus::Canceled } else { OrderStatus::Pending };
        };
        if self.disputes.values().any(|dispute| dispute.status != DisputeStatus::Won) {
            OrderStatus::Disputed
        } else if self.refunded == 0 {
            OrderStatus::Paid
        } else if self.refunded < payment.total {
            OrderStatus::PartiallyRefunded
        } else {
            OrderStatus::Refunded
        }
    }

    /// Whether what it bought may be used.
    #[must_use]
    pub fn right(&self) -> Right {
        let disputed = |status| self.disputes.values().any(|dispute| dispute.status == status);
        match &self.payment {
            None => Right::None,
            Some(_) if disputed(DisputeStatus::Lost) => Right::Over(Loss::DisputeLost),
            Some(payment) if self.refunded >= payment.total => Right::Over(Loss::Refunded),
            Some(_) if disputed(DisputeStatus::Open) => Right::OnHold,
            Some(_) => Right::Good,
        }
    }

    /// Minor units that were paid.
    fn captured(&self) -> i64 {
        self.payment.as_ref().map_or(0, |payment| payment.total)
    }

    /// What of the commission and the taxes has to be given back when `returned` minor units of all that was paid are back with
    /// the buyer, less what was given back before. The difference of two totals, so that rounding never adds up: many parts come to what one
    /// would have.
    fn shares(&self, returned: i64) -> Shares {
        let Some(payment) = &self.payment else { return Shares::default() };
        let of = |whole: i64| proportion(whole, returned.clamp(0, payment.total), payment.total);
        Shares {
            commission: of(payment.commission) - self.commission_returned,
            tax: of(payment.tax) - self.tax_returned,
        }
    }

    /// What its vendor gave back of its share, minor units.
    #[must_use]
    pub fn vendor_returned(&self) -> i64 {
        self.returned().clamp(0, self.captured()) - self.commission_returned - self.tax_returned
    }

    /// Minor units that are with the buyer again, or taken away while that is decided.
    fn returned(&self) -> i64 {
        let contested: i64 = self.disputes.values().filter(|d| d.status != DisputeStatus::Won).map(|d| d.amount).sum();
        self.refunded + contested
    }
}

/// Parts of an amount that goes back: negative when it comes again.
#[derive(Clone, Copy, Debug, Default)]
struct Shares {
    commission: i64,
    tax: i64,
}

/// `whole × part ÷ of`, rounded half away from zero; none of the three is negative.
fn proportion(whole: i64, part: i64, of: i64) -> i64 {
    if of == 0 {
        return 0;
    }
    let (whole, part, of) = (i128::from(whole), i128::from(part), i128::from(of));
    // At most `whole`, so it fits.
    i64::try_from((2 * whole * part + of) / (2 * of)).unwrap_or(0)
}

/// Whether what an order bought may be used, as far as money goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Nothing was paid.
    None,
    /// It was paid.
    Good,
    /// The payment is contested.
    OnHold,
    /// The money is back with the buyer.
    Over(Loss),
}

/// How the money came back to the buyer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Given back in full.
    Refunded,
    /// A dispute was lost.
    DisputeLost,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Not paid yet.
    Pending,
    /// Paid in full.
    Paid,
    /// Something was given back.
    PartiallyRefunded,
    /// Everything was given back.
    Refunded,
    /// The payer contests the payment, or won that.
    Disputed,
    /// It cannot be paid any more.
    Canceled,
}

/// Through what an order is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gateway {
    /// A bank transfer that an admin has seen.
    Manual,
    /// Stripe.
    Stripe,
    /// Razorpay.
    Razorpay,
}

impl Gateway {
    /// As it stands in addresses and events, e.g. `stripe`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Stripe => "stripe",
            Self::Razorpay => "razorpay",
        }
    }
}

/// Why an order cannot be paid any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cancellation {
    /// The buyer or an admin wanted it so.
    Asked,
    /// The checkout was open for too long.
    Expired,
    /// The subscription that it was to renew is over.
    SubscriptionEnded,
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
        /// Which interval of a subscription it pays.
        subscription: Option<Billed>,
        /// The vendor's own account at the gateway, where it is paid by the gateway.
        payout_account: Option<String>,
        /// Whether the plugin can be sold at all: for a renewal always, else when it is not suspended and has an approved version.
        available: bool,
        /// When.
        now: DateTime<Utc>,
    },
    /// Note the checkout that was opened.
    OpenCheckout {
        /// The gateway's name of it.
        reference: String,
    },
    /// Let nobody pay it any more.
    Cancel {
        /// Why.
        reason: Cancellation,
    },
    /// Record the payment.
    CompletePayment(Receipt),
    /// Record an attempt to pay that did not work.
    FailPayment {
        /// The gateway's name of it.
        reference: String,
        /// The gateway's code, e.g. `card_declined`.
        code: String,
    },
    /// Record money that came in and pays nothing.
    KeepUnmatched {
        /// The gateway's name of the payment.
        reference: String,
        /// How much.
        paid: Money,
        /// What is wrong with it.
        problem: Mismatch,
    },
    /// Record that money that paid nothing went back.
    ReturnUnmatched {
        /// The gateway's name of the payment.
        reference: String,
        /// The gateway's name of the refund.
        refund: String,
        /// How much.
        amount: Money,
    },
    /// Give money back. Through a gateway this asks for it; what comes of it is told by [`Command::SettleRefund`].
    Refund {
        /// Which.
        id: RefundId,
        /// Minor units; all that is left when absent.
        amount: Option<i64>,
        /// Why.
        reason: String,
    },
    /// Record what became of a refund, whoever asked for it.
    SettleRefund(Settlement),
    /// Record that the payer contests the payment, and what came of it.
    Contest(Contest),
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
    /// It cannot be paid any more.
    #[error("this order was canceled")]
    Canceled,
    /// The payment is not of this order's amount or currency.
    #[error("the payment does not match the order: {expected_amount} {expected_currency} is due")]
    PaymentMismatch {
        /// Minor units due.
        expected_amount: i64,
        /// Of this currency.
        expected_currency: Currency,
        /// What does not fit.
        problem: Mismatch,
    },
    /// More than the price, and what of it are taxes is not known yet.
    #[error("more was paid than the price, and what of it are taxes was not told yet")]
    TaxesNotTold,
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
    /// Of another currency than the payment.
    #[error("this order was paid in {0}")]
    OtherCurrency(Currency),
    /// Told by one of whom Souk asked nothing.
    #[error("a refund of this id was asked for with another amount")]
    OtherRefund,
}

/// Decides about orders, on streams `order-`.
pub struct Orders;

impl Decider for Orders {
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Error;

    const CATEGORY: Category = Category::Order;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Error> {
        match (state, command) {
            (State::Absent, command @ Command::Place { .. }) => place(command).map(|event| vec![event]),
            (State::Absent, _) => Err(Error::NotPlaced),
            (State::Placed(order), command) => Ok(decide_placed(order, command)?.into_iter().collect()),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match (state, event) {
            (State::Absent, event) => event.first_state().map_or(State::Absent, |order| State::Placed(Box::new(order))),
            (State::Placed(mut order), event) => {
                order.apply(event);
                State::Placed(order)
            }
        }
    }
}

fn place(command: Command) -> Result<Event, Error> {
    let Command::Place {
        id,
        buyer,
        plugin,
        vendor,
        pricing,
        terms,
        gateway,
        commission,
        subscription,
        payout_account,
        available,
        now,
    } = command
    else {
        return Err(Error::NotPlaced);
    };
    let price = pricing.price().ok_or(Error::Free)?;
    if !available {
        return Err(Error::NotAvailable);
    }
    Ok(Event::Placed {
        order_id: id,
        buyer_id: buyer,
        plugin_id: plugin,
        vendor_id: vendor,
        amount: price.amount,
        currency: price.currency,
        pricing,
        terms,
        gateway,
        commission_basis_points: commission,
        subscription,
        payout_account,
        placed_at: now,
    })
}

fn decide_placed(order: &Order, command: Command) -> Result<Option<Event>, Error> {
    match command {
        Command::Place { id, buyer, plugin, .. } if (id, buyer, plugin) == (order.id, order.buyer, order.plugin) => {
            Ok(None)
        }
        Command::Place { .. } => Err(Error::AlreadyPlaced),
        Command::OpenCheckout { reference } => {
            let known = order.checkout.as_ref() == Some(&reference);
            Ok((!known).then_some(Event::CheckoutOpened { reference }))
        }
        // Whoever was faster has paid, and what cannot be paid any more is not asked.
        Command::Cancel { reason: Cancellation::Asked } if order.payment.is_some() => Err(Error::AlreadyPaid),
        Command::Cancel { .. } if order.payment.is_some() || order.canceled.is_some() => Ok(None),
        Command::Cancel { reason } => Ok(Some(Event::Canceled { reason })),
        Command::CompletePayment(receipt) => payment::complete(order, receipt),
        Command::FailPayment { reference, code } => {
            let known = order.payment.is_some() || order.failures.contains(&reference);
            Ok((!known).then_some(Event::PaymentFailed { reference, code }))
        }
        Command::KeepUnmatched { reference, paid, problem } => Ok(payment::unmatched(order, reference, paid, problem)),
        Command::ReturnUnmatched { reference, refund, amount } => {
            Ok(payment::return_unmatched(order, reference, refund, amount))
        }
        Command::Refund { id, amount, reason } => refund::ask(order, id, amount, reason),
        Command::SettleRefund(settlement) => refund::settle(order, settlement),
        Command::Contest(contest) => dispute::contest(order, contest),
    }
}

#[cfg(test)]
mod tests;
