//! What goes back because somebody gives it back.

use serde::{Deserialize, Serialize};

use super::{Error, Event, Gateway, Order};
use crate::{
    id::{RefundId, derive},
    money::Money,
};

/// Money that goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Minor units.
    pub amount: i64,
    /// Where it stands.
    pub status: RefundStatus,
}

/// Where a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// The gateway was asked, or will be.
    Pending,
    /// The money went back.
    Succeeded,
    /// It did not, or came back. Stays so.
    Failed,
}

/// What a gateway says of a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Which. One that Souk did not ask for has the id of [`RefundId::told`].
    pub id: RefundId,
    /// The gateway's name of it.
    pub reference: String,
    /// How much.
    pub amount: Money,
    /// The gateway's code of what went wrong; none when the money went back.
    pub failure: Option<String>,
    /// Why, where nobody asked Souk for it.
    pub reason: String,
}

impl RefundId {
    /// The id of a refund that was made at a gateway and not asked of Souk.
    #[must_use]
    pub fn told(gateway: Gateway, reference: &str) -> Self {
        Self::new(derive(&["refund", gateway.as_str(), reference]))
    }
}

impl Order {
    /// Minor units that could still be given back, once it is paid: what is under way is spoken for.
    #[must_use]
    pub fn left(&self) -> i64 {
        let pending: i64 = self
            .refunds
            .values()
            .filter(|refund| refund.status == RefundStatus::Pending)
            .map(|refund| refund.amount)
            .sum();
        self.captured() - self.refunded - pending
    }

    pub(super) fn refund_event(&self, id: RefundId, amount: i64, reference: Option<String>, reason: String) -> Event {
        let refunded_total = self.refunded + amount;
        let shares = self.shares(self.returned() + amount);
        Event::PaymentRefunded {
            refund_id: Some(id),
            reference,
            amount,
            currency: self.price.currency,
            refunded_total,
            commission: shares.commission,
            tax: shares.tax,
            full: refunded_total == self.captured(),
            reason,
            status: self.status(),
        }
        .of(self)
    }
}

pub(super) fn ask(order: &Order, id: RefundId, amount: Option<i64>, reason: String) -> Result<Option<Event>, Error> {
    if order.payment.is_none() {
        return Err(Error::NotPaid);
    }
    if let Some(known) = order.refunds.get(&id) {
        return if amount.is_none_or(|amount| amount == known.amount) { Ok(None) } else { Err(Error::OtherRefund) };
    }
    let left = order.left();
    let amount = match amount {
        None if left == 0 => return Ok(None),
        None => left,
        Some(wanted) if wanted < 1 => return Err(Error::RefundNotPositive),
        Some(wanted) if wanted > left => return Err(Error::RefundTooLarge { wanted, left }),
        Some(wanted) => wanted,
    };
    Ok(Some(match order.gateway {
        Gateway::Manual => order.refund_event(id, amount, None, reason),
        Gateway::Stripe | Gateway::Razorpay => {
            Event::RefundRequested { refund_id: id, amount, currency: order.price.currency, reason }
        }
    }))
}

pub(super) fn settle(order: &Order, told: Settlement) -> Result<Option<Event>, Error> {
    let Some(payment) = &order.payment else { return Err(Error::NotPaid) };
    if told.amount.currency != order.price.currency {
        return Err(Error::OtherCurrency(order.price.currency));
    }
    let known = order.refunds.get(&told.id);
    if known.is_some_and(|known| known.amount != told.amount.amount) {
        return Err(Error::OtherRefund);
    }
    let status = known.map(|known| known.status);
    match (told.failure, status) {
        (_, Some(RefundStatus::Failed)) | (None, Some(RefundStatus::Succeeded)) => Ok(None),
        (None, _) => {
            let (wanted, left) = (told.amount.amount, payment.total - order.refunded);
            if wanted < 1 {
                return Err(Error::RefundNotPositive);
            }
            // The gateway gives back what it has; so something else that went back must have failed, and that is not known yet.
            if wanted > left {
                return Err(Error::RefundTooLarge { wanted, left });
            }
            Ok(Some(order.refund_event(told.id, wanted, Some(told.reference), told.reason)))
        }
        (Some(code), status) => {
            let came_back = status == Some(RefundStatus::Succeeded);
            let amount = told.amount.amount;
            let refunded_total = if came_back { order.refunded - amount } else { order.refunded };
            let shares = if came_back { order.shares(order.returned() - amount) } else { super::Shares::default() };
            Ok(Some(
                Event::RefundFailed {
                    refund_id: told.id,
                    reference: told.reference,
                    amount,
                    currency: order.price.currency,
                    code,
                    came_back,
                    refunded_total,
                    commission: -shares.commission,
                    tax: -shares.tax,
                    status: order.status(),
                }
                .of(order),
            ))
        }
    }
}
