//! Sellers.

use souk_domain::{
    id::{UserId, VendorId},
    money::BasisPoints,
    vendor::Vendor,
};

use crate::{App, AppError, Context, Done, Read};

/// A new vendor.
#[derive(Clone, Debug)]
pub struct RegisterVendor {
    /// Its name, 1 to 100 characters.
    pub name: String,
    /// Its unique short name.
    pub slug: String,
    /// Who owns it; the caller when absent. Only an admin or the operator names another.
    pub owner: Option<UserId>,
}

/// Opens a vendor and makes its owner a `vendor`. The id is derived from the command.
///
/// # Errors
/// `Unauthorized`, `Invalid`; conflict `slug_taken`.
pub async fn register(_app: &App, _ctx: &Context, _input: RegisterVendor) -> Result<Done<Vendor>, AppError> {
    unimplemented!()
}

/// Confirms that a vendor is who it says; admin only. Also lifts a suspension if the domain says so.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn verify(_app: &App, _ctx: &Context, _vendor: VendorId) -> Result<Done<Vendor>, AppError> {
    unimplemented!()
}

/// Stops a vendor from publishing; admin only.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid`.
pub async fn suspend(_app: &App, _ctx: &Context, _vendor: VendorId, _reason: &str) -> Result<Done<Vendor>, AppError> {
    unimplemented!()
}

/// Agrees another commission; admin only. Orders placed before keep theirs.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn set_commission(
    _app: &App,
    _ctx: &Context,
    _vendor: VendorId,
    _commission: BasisPoints,
) -> Result<Done<Vendor>, AppError> {
    unimplemented!()
}

/// The vendor.
///
/// # Errors
/// `NotFound`.
pub async fn get(_app: &App, _vendor: VendorId) -> Result<Read<Vendor>, AppError> {
    unimplemented!()
}

/// The vendor that holds `slug`.
///
/// # Errors
/// `NotFound`.
pub async fn by_slug(_app: &App, _slug: &str) -> Result<VendorId, AppError> {
    unimplemented!()
}

/// The vendors that `owner` owns, as their own streams say.
///
/// # Errors
/// `Behind`, `Unavailable`.
pub async fn owned_by(_app: &App, _owner: UserId) -> Result<Vec<Vendor>, AppError> {
    unimplemented!()
}

/// Whether the caller may see and do what only the vendor's owner or an admin may.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`.
pub async fn require_owner(_app: &App, _ctx: &Context, _vendor: VendorId) -> Result<Read<Vendor>, AppError> {
    unimplemented!()
}
