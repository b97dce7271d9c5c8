//! A right to use a plugin, on so many machines.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    id::{LicenseId, OrderId, PluginId, UserId, VendorId},
    listing::Terms,
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
    #[error("this license is {0:?}")]
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
