//! What a vendor earned and is paid.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Command, Error, Event, Vendor};
use crate::{id::PayoutId, money::Money};

/// Money that is paid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payout {
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub status: PayoutStatus,
}

/// Where a payout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayoutStatus {
    /// To be transferred.
    Requested,
    /// Transferred.
    Paid,
    /// It did not arrive.
    Failed,
}

impl fmt::Display for PayoutStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requested => "requested",
            Self::Paid => "paid",
            Self::Failed => "failed",
        })
    }
}

/// What is to be paid out.
///
/// What a vendor earned is not in its stream, so a read model says it. Everything that was ever paid out is, though, so however many
/// ask at once, they never get more than was earned when they asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Which.
    pub payout: PayoutId,
    /// How much; all that there is when absent.
    pub amount: Option<i64>,
    /// All that it ever earned in one currency and may have by now, minor units, whatever was paid out of it.
    pub earned: Money,
    /// The least that is worth a transfer, minor units.
    pub minimum: i64,
    /// The batch that it belongs to.
    pub batch: Option<Uuid>,
    /// When.
    pub now: DateTime<Utc>,
}

impl Vendor {
    /// Minor units of the currency of `earned` that were not paid out yet; negative when more went back since than was left.
    #[must_use]
    pub fn available(&self, earned: Money) -> i64 {
        let counted =
            |payout: &&Payout| payout.status != PayoutStatus::Failed && payout.amount.currency == earned.currency;
        earned.amount - self.payouts.values().filter(counted).map(|payout| payout.amount.amount).sum::<i64>()
    }
}

pub(super) fn decide(vendor: &Vendor, command: Command) -> Result<Option<Event>, Error> {
    match command {
        Command::SetPayoutAccount { gateway, account } => {
            let known = vendor.payout_accounts.get(&gateway) == account.as_ref();
            Ok((!known).then_some(Event::PayoutAccountSet { gateway, account }))
        }
        Command::RequestPayout(request) => self::request(vendor, request),
        Command::PayOut { payout, reference, now } => {
            Ok(open(vendor, payout, PayoutStatus::Paid)?.map(|Money { amount, currency }| Event::PayoutPaid {
                payout_id: payout,
                amount,
                currency,
                reference,
                paid_at: now,
            }))
        }
        Command::FailPayout { payout, reason } => Ok(open(vendor, payout, PayoutStatus::Failed)?
            .map(|Money { amount, currency }| Event::PayoutFailed { payout_id: payout, amount, currency, reason })),
        _ => Ok(None),
    }
}

fn request(vendor: &Vendor, request: Request) -> Result<Option<Event>, Error> {
    let Request { payout, amount, earned, minimum, batch, now } = request;
    if vendor.payouts.contains_key(&payout) {
        return Ok(None);
    }
    let (available, currency) = (vendor.available(earned), earned.currency);
    let wanted = amount.unwrap_or(available);
    if wanted < minimum.max(1) {
        return Err(Error::PayoutTooSmall { minimum: minimum.max(1), currency });
    }
    if wanted > available {
        return Err(Error::PayoutTooLarge { wanted, available, currency });
    }
    Ok(Some(Event::PayoutRequested {
        payout_id: payout,
        vendor_id: vendor.id,
        amount: wanted,
        currency,
        batch_id: batch,
        requested_at: now,
    }))
}

/// The amount of a payout that is to become `wanted`; none when it is so already. One that was paid may still fail, and one that failed
/// stays so.
fn open(vendor: &Vendor, payout: PayoutId, wanted: PayoutStatus) -> Result<Option<Money>, Error> {
    let known = vendor.payouts.get(&payout).ok_or(Error::UnknownPayout)?;
    match (known.status, wanted) {
        (status, wanted) if status == wanted => Ok(None),
        (PayoutStatus::Failed, _) => Err(Error::PayoutSettled(PayoutStatus::Failed)),
        _ => Ok(Some(known.amount)),
    }
}

pub(super) fn apply(vendor: &mut Vendor, event: &Event) {
    match event {
        Event::PayoutAccountSet { gateway, account } => {
            match account {
                Some(account) => vendor.payout_accounts.insert(*gateway, account.clone()),
                None => vendor.payout_accounts.remove(gateway),
            };
        }
        Event::PayoutRequested { payout_id, amount, currency, .. } => {
            let amount = Money { amount: *amount, currency: *currency };
            vendor.payouts.insert(*payout_id, Payout { amount, status: PayoutStatus::Requested });
        }
        Event::PayoutPaid { payout_id, .. } => note(vendor, *payout_id, PayoutStatus::Paid),
        Event::PayoutFailed { payout_id, .. } => note(vendor, *payout_id, PayoutStatus::Failed),
        _ => {}
    }
}

fn note(vendor: &mut Vendor, payout: PayoutId, status: PayoutStatus) {
    if let Some(known) = vendor.payouts.get_mut(&payout) {
        known.status = status;
    }
}
