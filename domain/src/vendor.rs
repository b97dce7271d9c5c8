//! A seller: who owns it, whether it is verified, what commission it pays.

use serde::{Deserialize, Serialize};

use crate::{
    id::{UserId, VendorId},
    money::BasisPoints,
};

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
    /// Confirm that it is who it says.
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
    /// It is who it says.
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
    /// The stream was closed before it began.
    #[serde(rename = "vendor.abandoned")]
    Abandoned {},
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
    /// The stream was closed before the vendor came to be.
    #[error("this registration was abandoned; register again")]
    Abandoned,
}
