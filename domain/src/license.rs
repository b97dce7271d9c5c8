//! A right to use a plugin, on so many machines.

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    decider::Decider,
    id::{LicenseId, OrderId, PluginId, UserId, VendorId},
    listing::Terms,
    stream::Category,
};

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
    /// Paid by which order.
    pub order: OrderId,
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
    /// Where it stands.
    pub status: Status,
    /// Machines by fingerprint, with when they came.
    pub activations: BTreeMap<String, DateTime<Utc>>,
}

impl License {
    /// Whether it is good at `now`, and on the machine `fingerprint` where one is given; what is wrong for good is
    /// said before what may pass.
    #[must_use]
    pub fn validity(&self, fingerprint: Option<&str>, now: DateTime<Utc>) -> Validity {
        match (self.status, fingerprint) {
            (Status::Revoked, _) => Validity::Revoked,
            (Status::Suspended, _) => Validity::Suspended,
            _ if self.expired(now) => Validity::Expired,
            (Status::Active, None) => Validity::Valid,
            (Status::Active, Some(_)) if self.activations.is_empty() => Validity::NoMachine,
            (Status::Active, Some(machine)) if self.activations.contains_key(machine) => Validity::Valid,
            (Status::Active, Some(_)) => Validity::FingerprintScopeMismatch,
        }
    }

    fn expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    fn machines(&self) -> u32 {
        u32::try_from(self.activations.len()).unwrap_or(u32::MAX)
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Activated { fingerprint, activated_at, .. } => {
                self.activations.insert(fingerprint.clone(), *activated_at);
            }
            Event::Deactivated { fingerprint, .. } => {
                self.activations.remove(fingerprint);
            }
            Event::Suspended { .. } => self.status = Status::Suspended,
            Event::Reinstated {} => self.status = Status::Active,
            Event::Revoked { .. } => self.status = Status::Revoked,
            Event::Issued { .. } => {}
        }
    }
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
        label: String,
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
}

/// What happens to a license.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// It was issued.
    #[serde(rename = "license.issued", rename_all = "camelCase")]
    Issued {
        /// Which.
        license_id: LicenseId,
        /// Paid by which order.
        order_id: OrderId,
        /// Whose right.
        user_id: UserId,
        /// To what.
        plugin_id: PluginId,
        /// From whom.
        vendor_id: VendorId,
        /// For how long.
        kind: LicenseKind,
        /// What it allows.
        terms: Terms,
        /// Until when.
        expires_at: Option<DateTime<Utc>>,
    },
    /// It was bound to a machine.
    #[serde(rename = "license.activated", rename_all = "camelCase")]
    Activated {
        /// The machine.
        fingerprint: String,
        /// What the holder calls it.
        label: String,
        /// When.
        activated_at: DateTime<Utc>,
        /// How many machines it has now.
        activations: u32,
    },
    /// It was freed from a machine.
    #[serde(rename = "license.deactivated", rename_all = "camelCase")]
    Deactivated {
        /// The machine.
        fingerprint: String,
        /// How many machines it has now.
        activations: u32,
    },
    /// It is not good for now.
    #[serde(rename = "license.suspended", rename_all = "camelCase")]
    Suspended {
        /// Why.
        reason: String,
    },
    /// It is good again.
    #[serde(rename = "license.reinstated")]
    Reinstated {},
    /// It is never good again.
    #[serde(rename = "license.revoked", rename_all = "camelCase")]
    Revoked {
        /// Why.
        reason: String,
    },
}

impl Event {
    /// The type under which the log keeps it.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Issued { .. } => "license.issued",
            Self::Activated { .. } => "license.activated",
            Self::Deactivated { .. } => "license.deactivated",
            Self::Suspended { .. } => "license.suspended",
            Self::Reinstated { .. } => "license.reinstated",
            Self::Revoked { .. } => "license.revoked",
        }
    }
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
            (State::Absent, Command::Issue { id, order, holder, plugin, vendor, kind, terms, expires_at }) => {
                Ok(vec![Event::Issued {
                    license_id: id,
                    order_id: order,
                    user_id: holder,
                    plugin_id: plugin,
                    vendor_id: vendor,
                    kind,
                    terms,
                    expires_at,
                }])
            }
            (State::Absent, _) => Err(Error::NotIssued),
            (State::Issued(license), command) => Ok(decide_issued(license, command)?.into_iter().collect()),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match (state, event) {
            (
                State::Absent,
                Event::Issued { license_id, order_id, user_id, plugin_id, vendor_id, kind, terms, expires_at },
            ) => State::Issued(Box::new(License {
                id: *license_id,
                order: *order_id,
                holder: *user_id,
                plugin: *plugin_id,
                vendor: *vendor_id,
                kind: *kind,
                terms: terms.clone(),
                expires_at: *expires_at,
                status: Status::Active,
                activations: BTreeMap::new(),
            })),
            (State::Issued(mut license), event) => {
                license.apply(event);
                State::Issued(license)
            }
            (state, _) => state,
        }
    }
}

fn decide_issued(license: &License, command: Command) -> Result<Option<Event>, Error> {
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
        Command::Suspend { reason } => match license.status {
            Status::Active => Event::Suspended { reason },
            Status::Suspended => return Ok(None),
            Status::Revoked => return Err(Error::NotActive(Status::Revoked)),
        },
        Command::Reinstate => match license.status {
            Status::Active => return Ok(None),
            Status::Suspended => Event::Reinstated {},
            Status::Revoked => return Err(Error::NotActive(Status::Revoked)),
        },
        Command::Revoke { .. } if license.status == Status::Revoked => return Ok(None),
        Command::Revoke { reason } => Event::Revoked { reason },
    };
    Ok(Some(event))
}

fn activate(license: &License, fingerprint: String, label: String, now: DateTime<Utc>) -> Result<Option<Event>, Error> {
    if license.status != Status::Active {
        return Err(Error::NotActive(license.status));
    }
    if license.expired(now) {
        return Err(Error::Expired);
    }
    if license.activations.contains_key(&fingerprint) {
        return Ok(None);
    }
    let machines = license.machines();
    if machines >= license.terms.max_devices {
        return Err(Error::TooManyMachines(license.terms.max_devices));
    }
    Ok(Some(Event::Activated { fingerprint, label, activated_at: now, activations: machines + 1 }))
}

#[cfg(test)]
mod tests;
