//! What is taken back because its payer contests it.

use serde::{Deserialize, Serialize};

use super::{Error, Event, Order};
use crate::money::Money;

/// A payment that its payer contests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// Minor units.
    pub amount: i64,
    /// Where it stands.
    pub status: DisputeStatus,
}

/// Where a dispute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeStatus {
    /// The money is taken away until it is decided.
    Open,
    /// The money came back. Stays so.
    Won,
    /// The money is gone. Stays so.
    Lost,
}

/// What a gateway says of a dispute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contest {
    /// The gateway's name of it.
    pub reference: String,
    /// How much.
    pub amount: Money,
    /// The gateway's word for why.
    pub reason: String,
    /// Where it stands.
    pub status: DisputeStatus,
}

pub(super) fn contest(order: &Order, told: Contest) -> Result<Option<Event>, Error> {
    if order.payment.is_none() {
        return Err(Error::NotPaid);
    }
    let currency = order.price.currency;
    if told.amount.currency != currency {
        return Err(Error::OtherCurrency(currency));
    }
    let (dispute_id, reason) = (told.reference, told.reason);
    let known = order.disputes.get(&dispute_id);
    // What is decided stays decided, and what was said of it before comes late.
    if known.is_some_and(|known| known.status != DisputeStatus::Open || told.status == DisputeStatus::Open) {
        return Ok(None);
    }
    let amount = known.map_or(told.amount.amount, |known| known.amount);
    let before = order.returned() - known.map_or(0, |known| known.amount);
    let status = order.status();
    let event = match (told.status, known) {
        (DisputeStatus::Won, known) => {
            let shares = if known.is_some() { order.shares(before) } else { super::Shares::default() };
            let (commission, tax) = (-shares.commission, -shares.tax);
            let came_back = known.is_some();
            Event::DisputeWon { dispute_id, amount, currency, came_back, commission, tax, status }
        }
        (DisputeStatus::Lost, Some(_)) => {
            Event::DisputeLost { dispute_id, amount, currency, taken_now: false, commission: 0, tax: 0, status }
        }
        (DisputeStatus::Lost, None) => {
            let shares = order.shares(before + amount);
            let (commission, tax) = (shares.commission, shares.tax);
            Event::DisputeLost { dispute_id, amount, currency, taken_now: true, commission, tax, status }
        }
        (DisputeStatus::Open, _) => {
            let shares = order.shares(before + amount);
            let (commission, tax) = (shares.commission, shares.tax);
            Event::Disputed { dispute_id, amount, currency, reason, commission, tax, status }
        }
    };
    Ok(Some(event.of(order)))
}
