//! A seller: who owns it, whether it is verified, what commission it pays.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    decider::Decider,
    id::{PayoutId, UserId, VendorId, VendorKeyId, derive},
    money::{BasisPoints, Currency},
    order::Gateway,
    stream::Category,
};

mod payout;

pub use self::payout::{Payout, PayoutStatus, Request};

/// A vendor as its events tell it.
#[derive(Clone, Debug, Default)]
pub enum State {
    /// Never registered.
    #[default]
    Absent,
    /// Its slug was reserved, but it never came to be; closed for good.
    Abandoned,
    /// Registered.
    Registered(Vendor),
}

/// A registered vendor.
#[derive(Clone, Debug)]
pub struct Vendor {
    /// Which.
    pub id: VendorId,
    /// Who acts for it.
    pub owner: UserId,
    /// Its name.
    pub name: String,
    /// Its unique short name.
    pub slug: String,
    /// Whether an admin verified it.
    pub verified: bool,
    /// Whether an admin suspended it.
    pub suspended: bool,
    /// The share of each payment that Souk keeps.
    pub commission: BasisPoints,
    /// Every key that it ever registered, in that order.
    pub keys: Vec<VendorKey>,
    /// Its own accounts at payment gateways, to which they pay its share.
    pub payout_accounts: BTreeMap<Gateway, String>,
    /// What was paid out to it, or will be.
    pub payouts: BTreeMap<PayoutId, Payout>,
}

/// A key with which a vendor signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorKey {
    /// Which.
    pub id: VendorKeyId,
    /// Ed25519, base64 of 32 bytes.
    pub public_key: String,
    /// What the vendor calls it.
    pub label: String,
    /// Whether it signs nothing new any more. What it signed before stays signed.
    pub revoked: bool,
}

impl VendorKeyId {
    /// The id of a vendor's key: the same key always has the same one.
    #[must_use]
    pub fn of(vendor: VendorId, public_key: &str) -> Self {
        Self::new(derive(&["vendor-key", &vendor.to_string(), public_key]))
    }
}

impl Vendor {
    /// As many keys may be live at once.
    pub const MAX_KEYS: usize = 20;

    /// The keys whose signatures count.
    pub fn live_keys(&self) -> impl Iterator<Item = &VendorKey> {
        self.keys.iter().filter(|key| !key.revoked)
    }

    /// Whether it may hand in versions: verified, and not suspended since.
    #[must_use]
    pub const fn may_publish(&self) -> bool {
        self.verified && !self.suspended
    }
}

/// What can be asked of a vendor.
#[derive(Clone, Debug)]
pub enum Command {
    /// Open it.
    Register {
        /// Which.
        id: VendorId,
        /// Who acts for it.
        owner: UserId,
        /// Its name.
        name: String,
        /// Its unique short name, already reserved.
        slug: String,
    },
    /// Confirm that it is who it says; this also ends a suspension.
    Verify,
    /// Stop it from publishing.
    Suspend {
        /// Why.
        reason: String,
    },
    /// Agree another commission.
    SetCommission {
        /// The new share.
        commission: BasisPoints,
    },
    /// Let a key sign for it.
    RegisterKey {
        /// Ed25519, base64 of 32 bytes, checked.
        public_key: String,
        /// What the vendor calls it.
        label: String,
    },
    /// Have its share paid to an account of its own at a gateway; by none when absent. Orders placed before keep theirs.
    SetPayoutAccount {
        /// At which gateway.
        gateway: Gateway,
        /// The gateway's name of it.
        account: Option<String>,
    },
    /// Pay out what it earned.
    RequestPayout(Request),
    /// It has the money.
    PayOut {
        /// Which.
        payout: PayoutId,
        /// The bank's name of the transfer.
        reference: String,
        /// When.
        now: DateTime<Utc>,
    },
    /// The money did not reach it.
    FailPayout {
        /// Which.
        payout: PayoutId,
        /// Why.
        reason: String,
    },
    /// Let a key sign nothing new.
    RevokeKey {
        /// Which.
        key: VendorKeyId,
    },
    /// Close a stream that never began, so that its reservation can be released.
    Abandon,
}

/// What happens to a vendor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// The vendor was opened.
    #[serde(rename = "vendor.registered", rename_all = "camelCase")]
    Registered {
        /// Which.
        vendor_id: VendorId,
        /// Who acts for it.
        owner_id: UserId,
        /// Its name.
        name: String,
        /// Its unique short name.
        slug: String,
    },
    /// It is who it says, and a suspension is over.
    #[serde(rename = "vendor.verified")]
    Verified {},
    /// It may not publish.
    #[serde(rename = "vendor.suspended", rename_all = "camelCase")]
    Suspended {
        /// Why.
        reason: String,
    },
    /// Another commission was agreed; orders placed before keep theirs.
    #[serde(rename = "vendor.commission_set", rename_all = "camelCase")]
    CommissionSet {
        /// The new share.
        basis_points: BasisPoints,
        /// The share until now.
        previous_basis_points: BasisPoints,
    },
    /// A key signs for it from now on.
    #[serde(rename = "vendor.key_registered", rename_all = "camelCase")]
    KeyRegistered {
        /// Which.
        key_id: VendorKeyId,
        /// Ed25519, base64 of 32 bytes.
        public_key: String,
        /// What the vendor calls it.
        label: String,
    },
    /// A key signs nothing new any more.
    #[serde(rename = "vendor.key_revoked", rename_all = "camelCase")]
    KeyRevoked {
        /// Which.
        key_id: VendorKeyId,
    },
    /// Its share is paid to another account from now on.
    #[serde(rename = "vendor.payout_account_set", rename_all = "camelCase")]
    PayoutAccountSet {
        /// At which gateway.
        gateway: Gateway,
        /// The gateway's name of it; none for none.
        account: Option<String>,
    },
    /// Some of what it earned is paid out.
    #[serde(rename = "vendor.payout_requested", rename_all = "camelCase")]
    PayoutRequested {
        /// Which.
        payout_id: PayoutId,
        /// To whom.
        vendor_id: VendorId,
        /// Minor units.
        amount: i64,
        /// Of this currency.
        currency: Currency,
        /// The batch that it belongs to.
        batch_id: Option<Uuid>,
        /// When.
        requested_at: DateTime<Utc>,
    },
    /// It has the money.
    #[serde(rename = "vendor.payout_paid", rename_all = "camelCase")]
    PayoutPaid {
        /// Which.
        payout_id: PayoutId,
        /// Minor units.
        amount: i64,
        /// Of this currency.
        currency: Currency,
        /// The bank's name of the transfer.
        reference: String,
        /// When.
        paid_at: DateTime<Utc>,
    },
    /// The money did not reach it.
    #[serde(rename = "vendor.payout_failed", rename_all = "camelCase")]
    PayoutFailed {
        /// Which.
        payout_id: PayoutId,
        /// Minor units.
        amount: i64,
        /// Of this currency.
        currency: Currency,
        /// Why.
        reason: String,
    },
    /// The stream was closed before it began.
    #[serde(rename = "vendor.abandoned")]
    Abandoned {},
}

impl Event {
    /// The type under which the log keeps it.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Registered { .. } => "vendor.registered",
            Self::Verified { .. } => "vendor.verified",
            Self::Suspended { .. } => "vendor.suspended",
            Self::CommissionSet { .. } => "vendor.commission_set",
            Self::KeyRegistered { .. } => "vendor.key_registered",
            Self::KeyRevoked { .. } => "vendor.key_revoked",
            Self::PayoutAccountSet { .. } => "vendor.payout_account_set",
            Self::PayoutRequested { .. } => "vendor.payout_requested",
            Self::PayoutPaid { .. } => "vendor.payout_paid",
            Self::PayoutFailed { .. } => "vendor.payout_failed",
            Self::Abandoned { .. } => "vendor.abandoned",
        }
    }
}

/// Why a vendor refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// This id is in use.
    #[error("this vendor is registered already")]
    AlreadyRegistered,
    /// No such vendor.
    #[error("this vendor does not exist")]
    NotRegistered,
    /// No such key.
    #[error("this vendor has no such key")]
    UnknownKey,
    /// Whoever revoked a key may have lost it to somebody.
    #[error("this key was revoked, and a revoked key never comes back")]
    KeyWasRevoked,
    /// More than [`Vendor::MAX_KEYS`].
    #[error("a vendor has at most {0} live keys")]
    TooManyKeys(usize),
    /// Less than what is worth a transfer.
    #[error("a payout is at least {minimum} {currency}, in minor units")]
    PayoutTooSmall {
        /// Minor units.
        minimum: i64,
        /// Of this currency.
        currency: Currency,
    },
    /// More than it has earned and not been paid.
    #[error("a payout of {wanted} is more than the {available} {currency} that can be paid out, in minor units")]
    PayoutTooLarge {
        /// Minor units.
        wanted: i64,
        /// Minor units.
        available: i64,
        /// Of this currency.
        currency: Currency,
    },
    /// Nobody asked for it.
    #[error("this vendor has no such payout")]
    UnknownPayout,
    /// It is settled.
    #[error("this payout is {0} already")]
    PayoutSettled(PayoutStatus),
    /// The stream was closed before the vendor came to be.
    #[error("this registration was abandoned; register again")]
    Abandoned,
}

/// Decides about vendors, on streams `vendor-`.
pub struct Vendors;

impl Decider for Vendors {
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Error;

    const CATEGORY: Category = Category::Vendor;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Error> {
        match state {
            State::Absent => match command {
                Command::Register { id, owner, name, slug } => {
                    Ok(vec![Event::Registered { vendor_id: id, owner_id: owner, name, slug }])
                }
                Command::Abandon => Ok(vec![Event::Abandoned {}]),
                _ => Err(Error::NotRegistered),
            },
            State::Abandoned => match command {
                Command::Abandon => Ok(vec![]),
                _ => Err(Error::Abandoned),
            },
            State::Registered(vendor) => decide_registered(vendor, command),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match (state, event) {
            (State::Absent, Event::Registered { vendor_id, owner_id, name, slug }) => State::Registered(Vendor {
                id: *vendor_id,
                owner: *owner_id,
                name: name.clone(),
                slug: slug.clone(),
                verified: false,
                suspended: false,
                commission: BasisPoints::DEFAULT_COMMISSION,
                keys: Vec::new(),
                payout_accounts: BTreeMap::new(),
                payouts: BTreeMap::new(),
            }),
            (State::Absent, Event::Abandoned {}) => State::Abandoned,
            (State::Registered(mut vendor), event) => {
                match event {
                    Event::Verified {} => {
                        vendor.verified = true;
                        vendor.suspended = false;
                    }
                    Event::Suspended { .. } => vendor.suspended = true,
                    Event::CommissionSet { basis_points, .. } => vendor.commission = *basis_points,
                    Event::KeyRegistered { key_id, public_key, label } => vendor.keys.push(VendorKey {
                        id: *key_id,
                        public_key: public_key.clone(),
                        label: label.clone(),
                        revoked: false,
                    }),
                    Event::KeyRevoked { key_id } => {
                        for key in vendor.keys.iter_mut().filter(|key| key.id == *key_id) {
                            key.revoked = true;
                        }
                    }
                    Event::Registered { .. } | Event::Abandoned {} => {}
                    paid_out => payout::apply(&mut vendor, paid_out),
                }
                State::Registered(vendor)
            }
            (state, _) => state,
        }
    }
}

fn decide_registered(vendor: &Vendor, command: Command) -> Result<Vec<Event>, Error> {
    let event = match command {
        Command::Register { id, owner, .. } if (id, owner) == (vendor.id, vendor.owner) => return Ok(vec![]),
        Command::Register { .. } => return Err(Error::AlreadyRegistered),
        // It came to be after all, so its reservation stays.
        Command::Abandon => return Ok(vec![]),
        Command::Verify if vendor.may_publish() => return Ok(vec![]),
        Command::Verify => Event::Verified {},
        Command::Suspend { .. } if vendor.suspended => return Ok(vec![]),
        Command::Suspend { reason } => Event::Suspended { reason },
        Command::SetCommission { commission } if commission == vendor.commission => return Ok(vec![]),
        Command::SetCommission { commission } => {
            Event::CommissionSet { basis_points: commission, previous_basis_points: vendor.commission }
        }
        Command::RegisterKey { public_key, label } => {
            let key_id = VendorKeyId::of(vendor.id, &public_key);
            match vendor.keys.iter().find(|key| key.id == key_id) {
                Some(key) if key.revoked => return Err(Error::KeyWasRevoked),
                Some(_) => return Ok(vec![]),
                None if vendor.live_keys().count() >= Vendor::MAX_KEYS => {
                    return Err(Error::TooManyKeys(Vendor::MAX_KEYS));
                }
                None => Event::KeyRegistered { key_id, public_key, label },
            }
        }
        Command::SetPayoutAccount { .. }
        | Command::RequestPayout(_)
        | Command::PayOut { .. }
        | Command::FailPayout { .. } => {
            return payout::decide(vendor, command).map(|event| event.into_iter().collect());
        }
        Command::RevokeKey { key } => match vendor.keys.iter().find(|known| known.id == key) {
            None => return Err(Error::UnknownKey),
            Some(known) if known.revoked => return Ok(vec![]),
            Some(_) => Event::KeyRevoked { key_id: key },
        },
    };
    Ok(vec![event])
}

#[cfg(test)]
mod tests;
