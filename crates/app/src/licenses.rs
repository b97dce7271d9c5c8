//! Rights to use plugins.

use souk_domain::{id::LicenseId, license::License};
use souk_ports::Position;

use crate::{App, AppError, Context, Done, Read};

/// The verdict on a license key.
#[derive(Clone, Debug)]
pub struct Validity {
    /// Whether it is good, here and now.
    pub valid: bool,
    /// `VALID`, `NOT_FOUND`, `SUSPENDED`, `EXPIRED`, `REVOKED`, `NO_MACHINE`, `NO_MACHINES`.
    pub code: &'static str,
    /// The license, when the key is genuine.
    pub license: Option<License>,
    /// Position of the license's last event; 0 without one.
    pub position: Position,
}

/// Judges a license key, and the machine if `fingerprint` is given. Always reads the log.
///
/// # Errors
/// `Unavailable`.
pub async fn validate(_app: &App, _key: &str, _fingerprint: Option<&str>) -> Result<Validity, AppError> {
    unimplemented!()
}

/// The key of a license; for its holder's eyes.
#[must_use]
pub fn key(app: &App, license: LicenseId) -> String {
    app.ports.vault.license_key(license)
}

/// The license; holder, owner of the plugin's vendor, or admin; for others it does not exist.
///
/// # Errors
/// `NotFound`, `Unauthorized`.
pub async fn get(_app: &App, _ctx: &Context, _license: LicenseId) -> Result<Read<License>, AppError> {
    unimplemented!()
}

/// Binds the license to a machine; holder or admin. Changes nothing when it is bound to it already.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Invalid`; conflicts `too_many_machines`, `license_not_active`, `license_expired`.
pub async fn activate(
    _app: &App,
    _ctx: &Context,
    _license: LicenseId,
    _fingerprint: &str,
    _label: &str,
) -> Result<Done<License>, AppError> {
    unimplemented!()
}

/// Frees the license from a machine; holder or admin.
///
/// # Errors
/// `NotFound`, `Unauthorized`.
pub async fn deactivate(
    _app: &App,
    _ctx: &Context,
    _license: LicenseId,
    _fingerprint: &str,
) -> Result<Done<License>, AppError> {
    unimplemented!()
}

/// Makes the license not good for now; owner of the vendor, or admin.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`, `Invalid`; conflict `license_not_active`.
pub async fn suspend(
    _app: &App,
    _ctx: &Context,
    _license: LicenseId,
    _reason: &str,
) -> Result<Done<License>, AppError> {
    unimplemented!()
}

/// Makes a suspended license good again; owner of the vendor, or admin.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`; conflict `license_not_active`.
pub async fn reinstate(_app: &App, _ctx: &Context, _license: LicenseId) -> Result<Done<License>, AppError> {
    unimplemented!()
}

/// Ends the license for good; owner of the vendor, or admin.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`, `Invalid`.
pub async fn revoke(_app: &App, _ctx: &Context, _license: LicenseId, _reason: &str) -> Result<Done<License>, AppError> {
    unimplemented!()
}
