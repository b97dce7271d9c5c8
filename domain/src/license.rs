//! A right to use a plugin, on so many machines.

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    decider::Decider,
    id::{LicenseId, OrderId, PluginId, SubscriptionId, UserId, VendorId},
    listing::Terms,
    order::Right,
    personal::Personal,
    stream::Category,
};

mod decide;
mod event;

pub use self::event::Event;

/// A license as its events tell it.
#[derive(Clone, Debug, Default)]
pub enum State {
    /// Never issued.
    #[default]
    Absent,
    /// Issued.
    Issued(Box<License>),
}

/// An issued license.
#[derive(Clone, Debug)]
pub struct License {
    /// Which.
    pub id: LicenseId,
    /// Paid by which order; that of a subscription by the one that began it.
    pub order: OrderId,
    /// The subscription that keeps it good.
    pub subscription: Option<SubscriptionId>,
    /// Whose right.
    pub holder: UserId,
    /// To what.
    pub plugin: PluginId,
    /// From whom.
    pub vendor: VendorId,
    /// For how long.
    pub kind: LicenseKind,
    /// What it allows.
    pub terms: Terms,
    /// Until when; for ever when absent.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether it was recorded that its time is over.
    pub expired: bool,
    /// Whether nothing makes it good for longer any more.
    pub over_for_good: bool,
    /// What its vendor or an admin made of it.
    pub decided: Hold,
    /// What its orders make of it, each as of a version of the order's stream.
    pub paid: BTreeMap<OrderId, (u64, Hold)>,
    /// Machines by fingerprint, with when they came.
    pub activations: BTreeMap<String, DateTime<Utc>>,
    /// Downloads so far.
    pub downloads: u64,
    /// Uses that were counted so far.
    pub uses: u64,
    /// How often its key was changed.
    pub key_generation: u32,
}

impl License {
    /// Where it stands, leaving aside whether its time is over.
    #[must_use]
    pub fn status(&self) -> Status {
        match self.hold() {
            Hold::None => Status::Active,
            Hold::Suspended => Status::Suspended,
            Hold::Revoked => Status::Revoked,
        }
    }

    /// The worst of what anybody made of it.
    fn hold(&self) -> Hold {
        self.decided.max(self.held_by_payments())
    }

    /// Where it stands once `payment`, or whoever decides where there is none, makes `hold` of it.
    fn status_after(&self, payment: Option<PaymentCause>, hold: Hold) -> Status {
        let mut after = self.clone();
        after.note(payment, hold);
        after.status()
    }

    fn held_by_payments(&self) -> Hold {
        self.paid.values().map(|(_, hold)| *hold).max().unwrap_or(Hold::None)
    }

    /// Whether it is good at `now`, and on the machine `fingerprint` where one is given; what is wrong for good is
    /// said before what may pass.
    #[must_use]
    pub fn validity(&self, fingerprint: Option<&str>, now: DateTime<Utc>) -> Validity {
        match (self.status(), fingerprint) {
            (Status::Revoked, _) => Validity::Revoked,
            (Status::Suspended, _) => Validity::Suspended,
            _ if self.is_over(now) => Validity::Expired,
            (Status::Active, None) => Validity::Valid,
            (Status::Active, Some(_)) if self.activations.is_empty() => Validity::NoMachine,
            (Status::Active, Some(machine)) if self.activations.contains_key(machine) => Validity::Valid,
            (Status::Active, Some(_)) => Validity::FingerprintScopeMismatch,
        }
    }

    /// Whether its time is over at `now`.
    #[must_use]
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    fn held(&self, payment: Option<PaymentCause>, hold: Hold, reason: String) -> Event {
        let status = self.status_after(payment, hold);
        match hold {
            Hold::None => Event::Reinstated { status, payment },
            Hold::Suspended => Event::Suspended { reason, status, payment },
            Hold::Revoked => Event::Revoked { reason, status, payment },
        }
    }

    fn machines(&self) -> u32 {
        u32::try_from(self.activations.len()).unwrap_or(u32::MAX)
    }

    /// Whether it may be used at `now`.
    ///
    /// # Errors
    /// It may not.
    pub fn usable(&self, now: DateTime<Utc>) -> Result<(), Error> {
        match self.status() {
            Status::Active if self.is_over(now) => Err(Error::Expired),
            Status::Active => Ok(()),
            other => Err(Error::NotActive(other)),
        }
    }
}

/// What somebody made of a license, the worst last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hold {
    /// Nothing: it is good.
    #[default]
    None,
    /// Not good for now.
    Suspended,
    /// Not good.
    Revoked,
}

/// Because of what an order came to a license is not good, or good again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentCause {
    /// The order.
    pub order_id: OrderId,
    /// As of this version of its stream.
    pub order_version: u64,
}

/// Whether a license is good, as clients of license servers know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Validity {
    /// Good.
    Valid,
    /// Not good for now.
    Suspended,
    /// Its time is over.
    Expired,
    /// Never good again.
    Revoked,
    /// A machine was named, and it is bound to none.
    NoMachine,
    /// A machine was named, and it is bound to others.
    FingerprintScopeMismatch,
}

impl Validity {
    /// Whether the license is good.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        matches!(self, Self::Valid)
    }

    /// The code on the wire, e.g. `NO_MACHINE`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Valid => "VALID",
            Self::Suspended => "SUSPENDED",
            Self::Expired => "EXPIRED",
            Self::Revoked => "REVOKED",
            Self::NoMachine => "NO_MACHINE",
            Self::FingerprintScopeMismatch => "FINGERPRINT_SCOPE_MISMATCH",
        }
    }
}

/// For how long a license is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LicenseKind {
    /// For ever.
    Perpetual,
    /// As long as it is paid.
    Subscription,
    /// For a while, before it has to be paid.
    Trial,
}

impl LicenseKind {
    /// As it stands in events, e.g. `perpetual`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Perpetual => "perpetual",
            Self::Subscription => "subscription",
            Self::Trial => "trial",
        }
    }
}

/// What a license is used for that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The archive is downloaded.
    Download,
    /// Whatever its vendor counts.
    Usage,
}

/// Where a license stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Good.
    Active,
    /// Not good for now.
    Suspended,
    /// Never good again.
    Revoked,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
        })
    }
}

/// What can be asked of a license.
#[derive(Clone, Debug)]
pub enum Command {
    /// Issue it for a completed payment.
    Issue {
        /// Which.
        id: LicenseId,
        /// Paid by which order.
        order: OrderId,
        /// Whose right.
        holder: UserId,
        /// To what.
        plugin: PluginId,
        /// From whom.
        vendor: VendorId,
        /// The subscription that keeps it good.
        subscription: Option<SubscriptionId>,
        /// For how long.
        kind: LicenseKind,
        /// What it allows.
        terms: Terms,
        /// Until when.
        expires_at: Option<DateTime<Utc>>,
    },
    /// Bind it to a machine.
    Activate {
        /// The machine.
        fingerprint: String,
        /// What the holder calls it.
        label: Personal,
        /// When.
        now: DateTime<Utc>,
    },
    /// Free it from a machine.
    Deactivate {
        /// The machine.
        fingerprint: String,
    },
    /// Not good for now.
    Suspend {
        /// Why.
        reason: String,
    },
    /// Good again.
    Reinstate,
    /// Never good again.
    Revoke {
        /// Why.
        reason: String,
    },
    /// Make of it what an order came to. What an older version of the order came to changes nothing.
    Settle {
        /// Which order, as of which version.
        cause: PaymentCause,
        /// What it came to.
        right: Right,
    },
    /// Good for longer. Nothing happens when it is good for as long already.
    Extend {
        /// Until when.
        until: DateTime<Utc>,
        /// What it is from now on: a trial that is paid is none any more.
        kind: LicenseKind,
    },
    /// Record that its time is over.
    Expire {
        /// When.
        now: DateTime<Utc>,
    },
    /// What kept it good is over, and nothing makes it good again.
    End {
        /// Since when: no later than what was paid for. A later one, of a payment that is heard of late, corrects it.
        at: DateTime<Utc>,
    },
    /// Count a use. The command itself is known by its id, so that asking again counts nothing.
    Use {
        /// What for.
        purpose: Purpose,
        /// How often, at least once.
        amount: u32,
        /// When.
        now: DateTime<Utc>,
    },
    /// Give it another key; the old one is good for nothing from then on.
    RotateKey {
        /// How often it was changed with this time: asking again changes nothing.
        generation: u32,
    },
}

/// Why a license refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Issued for another order.
    #[error("this license was issued already")]
    AlreadyIssued,
    /// No such license.
    #[error("this license does not exist")]
    NotIssued,
    /// Not active.
    #[error("this license is {0}")]
    NotActive(Status),
    /// Its time is over.
    #[error("this license has expired")]
    Expired,
    /// Bound to as many machines as it allows.
    #[error("this license is active on {0} machines, which is all it allows")]
    TooManyMachines(u32),
    /// Not bound to this machine.
    #[error("this license is not active on that machine")]
    UnknownMachine,
    /// What came of its payment holds it, and nobody else can lift that.
    #[error("this license is {0} because of its payment")]
    HeldByPayment(Status),
    /// Downloaded as often as it allows.
    #[error("this license allows {0} downloads, and all were made")]
    DownloadsExhausted(u32),
    /// Used as often as it allows.
    #[error("this license allows {max} uses, and {used} were counted")]
    UsesExhausted {
        /// How many it allows.
        max: u64,
        /// How many there were.
        used: u64,
    },
    /// Its terms have no downloads.
    #[error("this license does not allow downloads")]
    DownloadNotPermitted,
    /// Its key cannot be changed any more, or was changed by somebody else meanwhile.
    #[error("the key of this license cannot be changed: {0}")]
    KeyNotRotated(&'static str),
}

/// Decides about licenses, on streams `license-`.
pub struct Licenses;

impl Decider for Licenses {
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Error;

    const CATEGORY: Category = Category::License;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Error> {
        match (state, command) {
            (
                State::Absent,
                Command::Issue { id, order, holder, plugin, vendor, subscription, kind, terms, expires_at },
            ) => Ok(vec![Event::Issued {
                license_id: id,
                order_id: order,
                subscription_id: subscription,
                user_id: holder,
                plugin_id: plugin,
                vendor_id: vendor,
                kind,
                terms,
                expires_at,
            }]),
            (State::Absent, _) => Err(Error::NotIssued),
            (State::Issued(license), command) => Ok(decide::issued(license, command)?.into_iter().collect()),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match (state, event) {
            (State::Absent, event) => {
                event.first_state().map_or(State::Absent, |license| State::Issued(Box::new(license)))
            }
            (State::Issued(mut license), event) => {
                license.apply(event);
                State::Issued(license)
            }
        }
    }
}

#[cfg(test)]
mod tests;
