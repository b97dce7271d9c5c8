//! A purchase and what was paid for it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    decider::Decider,
    id::{OrderId, PluginId, UserId, VendorId},
    listing::{Pricing, Terms},
    money::{BasisPoints, Currency, Money},
    stream::Category,
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

impl Order {
    /// Where it stands, by what was paid and given back.
    #[must_use]
    pub const fn status(&self) -> OrderStatus {
        if self.payment.is_none() {
            OrderStatus::Pending
        } else if self.refunded == 0 {
            OrderStatus::Paid
        } else if self.left() > 0 {
            OrderStatus::PartiallyRefunded
        } else {
            OrderStatus::Refunded
        }
    }

    /// Minor units that could still be given back, once it is paid.
    const fn left(&self) -> i64 {
        self.price.amount - self.refunded
    }
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

impl Event {
    /// The type under which the log keeps it.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Placed { .. } => "order.placed",
            Self::PaymentCompleted { .. } => "payment.completed",
            Self::PaymentRefunded { .. } => "payment.refunded",
        }
    }
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
            (
                State::Absent,
                Command::Place { id, buyer, plugin, vendor, pricing, terms, gateway, commission, available, now },
            ) => {
                let price = pricing.price().ok_or(Error::Free)?;
                if !available {
                    return Err(Error::NotAvailable);
                }
                Ok(vec![Event::Placed {
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
                    placed_at: now,
                }])
            }
            (State::Absent, _) => Err(Error::NotPlaced),
            (State::Placed(order), Command::Place { id, buyer, plugin, .. }) => {
                let same = (id, buyer, plugin) == (order.id, order.buyer, order.plugin);
                if same { Ok(vec![]) } else { Err(Error::AlreadyPlaced) }
            }
            (State::Placed(order), Command::CompletePayment { reference, paid }) => pay(order, reference, paid),
            (State::Placed(order), Command::Refund { amount, reason }) => refund(order, amount, reason),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match (state, event) {
            (
                State::Absent,
                Event::Placed {
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
                    placed_at,
                },
            ) => State::Placed(Box::new(Order {
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
                payment: None,
                refunded: 0,
            })),
            (State::Placed(mut order), Event::PaymentCompleted { reference, .. }) => {
                order.payment = Some(reference.clone());
                State::Placed(order)
            }
            (State::Placed(mut order), Event::PaymentRefunded { refunded_total, .. }) => {
                order.refunded = *refunded_total;
                State::Placed(order)
            }
            (state, _) => state,
        }
    }
}

fn pay(order: &Order, reference: String, paid: Money) -> Result<Vec<Event>, Error> {
    if order.payment.as_ref().is_some_and(|known| *known != reference) {
        return Err(Error::AlreadyPaid);
    }
    if paid != order.price {
        return Err(Error::PaymentMismatch {
            expected_amount: order.price.amount,
            expected_currency: order.price.currency,
        });
    }
    if order.payment.is_some() {
        return Ok(vec![]);
    }
    let commission = order.commission.of(paid.amount);
    Ok(vec![Event::PaymentCompleted { reference, amount: paid.amount, currency: paid.currency, commission }])
}

fn refund(order: &Order, amount: Option<i64>, reason: String) -> Result<Vec<Event>, Error> {
    if order.payment.is_none() {
        return Err(Error::NotPaid);
    }
    let left = order.left();
    let amount = match amount {
        None if left == 0 => return Ok(vec![]),
        None => left,
        Some(wanted) if wanted < 1 => return Err(Error::RefundNotPositive),
        Some(wanted) if wanted > left => return Err(Error::RefundTooLarge { wanted, left }),
        Some(wanted) => wanted,
    };
    // At most the price, so the sum fits. The difference of two totals, so that rounding never adds up: what is given
    // back in many parts is what would be given back at once.
    let refunded_total = order.refunded + amount;
    let commission = order.commission.of(refunded_total) - order.commission.of(order.refunded);
    Ok(vec![Event::PaymentRefunded {
        amount,
        currency: order.price.currency,
        refunded_total,
        commission,
        full: refunded_total == order.price.amount,
        reason,
    }])
}

#[cfg(test)]
mod tests;
