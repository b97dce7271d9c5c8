//! What may happen to a license that was issued.

use chrono::{DateTime, Utc};

use super::{Command, Error, Event, Hold, License, PaymentCause, Purpose, Status};
use crate::{
    order::{Loss, Right},
    personal::Personal,
};

pub(super) fn issued(license: &License, command: Command) -> Result<Option<Event>, Error> {
    let event = match command {
        Command::Issue { id, order, .. } if (id, order) == (license.id, license.order) => return Ok(None),
        Command::Issue { .. } => return Err(Error::AlreadyIssued),
        Command::Activate { fingerprint, label, now } => return activate(license, fingerprint, label, now),
        Command::Deactivate { fingerprint } => {
            if !license.activations.contains_key(&fingerprint) {
                return Err(Error::UnknownMachine);
            }
            Event::Deactivated { fingerprint, activations: license.machines().saturating_sub(1) }
        }
        Command::Suspend { reason } => match license.decided {
            Hold::None if license.status() == Status::Revoked => return Err(Error::NotActive(Status::Revoked)),
            Hold::None => license.held(None, Hold::Suspended, reason),
            Hold::Suspended => return Ok(None),
            Hold::Revoked => return Err(Error::NotActive(Status::Revoked)),
        },
        Command::Reinstate => match (license.decided, license.held_by_payments()) {
            (Hold::Revoked, _) => return Err(Error::NotActive(Status::Revoked)),
            (Hold::None, Hold::None) => return Ok(None),
            (Hold::None, _) => return Err(Error::HeldByPayment(license.status())),
            (Hold::Suspended, _) => license.held(None, Hold::None, String::new()),
        },
        Command::Revoke { .. } if license.decided == Hold::Revoked => return Ok(None),
        Command::Revoke { reason } => license.held(None, Hold::Revoked, reason),
        Command::Settle { cause, right } => return Ok(settle(license, cause, right)),
        Command::Extend { .. } if license.over_for_good => return Ok(None),
        Command::Extend { until, kind } => {
            let longer = license.expires_at.is_some_and(|end| end < until);
            if !longer && kind == license.kind {
                return Ok(None);
            }
            let expires_at = license.expires_at.map(|end| end.max(until));
            Event::Extended { expires_at, previous_expires_at: license.expires_at, kind }
        }
        Command::Expire { now } if license.expired || !license.is_over(now) => return Ok(None),
        Command::Expire { now } => Event::Expired { expired_at: license.expires_at.unwrap_or(now), for_good: false },
        // Of what was paid for longer somebody may hear later.
        Command::End { at } if license.over_for_good && license.expires_at >= Some(at) => return Ok(None),
        Command::End { at } => Event::Expired { expired_at: at, for_good: true },
        Command::Use { purpose, amount, now } => return count(license, purpose, amount, now).map(Some),
        Command::RotateKey { generation } if generation == license.key_generation => return Ok(None),
        Command::RotateKey { .. } if license.status() == Status::Revoked => {
            return Err(Error::KeyNotRotated("a revoked license never gets another"));
        }
        Command::RotateKey { generation } if generation != license.key_generation.saturating_add(1) => {
            return Err(Error::KeyNotRotated("it was changed meanwhile"));
        }
        Command::RotateKey { generation } => Event::KeyRotated { generation },
    };
    Ok(Some(event))
}

fn settle(license: &License, payment: PaymentCause, right: Right) -> Option<Event> {
    let (known, before) = license.paid.get(&payment.order_id).copied().unwrap_or((0, Hold::None));
    let hold = match right {
        Right::None | Right::Good => Hold::None,
        Right::OnHold => Hold::Suspended,
        Right::Over(_) => Hold::Revoked,
    };
    if payment.order_version < known || hold == before {
        return None;
    }
    let reason = match right {
        Right::None | Right::Good => "",
        Right::OnHold => "the payment is disputed",
        Right::Over(Loss::Refunded) => "the order was refunded in full",
        Right::Over(Loss::DisputeLost) => "a dispute about the payment was lost",
    };
    Some(license.held(Some(payment), hold, reason.to_owned()))
}

fn activate(
    license: &License,
    fingerprint: String,
    label: Personal,
    now: DateTime<Utc>,
) -> Result<Option<Event>, Error> {
    license.usable(now)?;
    if license.activations.contains_key(&fingerprint) {
        return Ok(None);
    }
    let machines = license.machines();
    if machines >= license.terms.max_devices {
        return Err(Error::TooManyMachines(license.terms.max_devices));
    }
    Ok(Some(Event::Activated { fingerprint, label, activated_at: now, activations: machines + 1 }))
}

fn count(license: &License, purpose: Purpose, amount: u32, now: DateTime<Utc>) -> Result<Event, Error> {
    license.usable(now)?;
    let amount = amount.max(1);
    let total = match purpose {
        Purpose::Download => {
            if !license.terms.permissions.download {
                return Err(Error::DownloadNotPermitted);
            }
            let total = license.downloads + u64::from(amount);
            if let Some(max) = license.terms.max_downloads.filter(|max| total > u64::from(*max)) {
                return Err(Error::DownloadsExhausted(max));
            }
            total
        }
        Purpose::Usage => {
            let total = license.uses + u64::from(amount);
            if let Some(max) = license.terms.max_uses.filter(|max| total > *max) {
                return Err(Error::UsesExhausted { max, used: license.uses });
            }
            total
        }
    };
    Ok(Event::Used { purpose, amount, total, used_at: now })
}
