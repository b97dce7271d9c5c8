//! Accounts: registration, sign-in, roles, API keys.

use std::collections::{BTreeMap, BTreeSet};

use souk_domain::{
    id::{ApiKeyId, UserId},
    user::Role,
};

use crate::{App, AppError, Context, Done, input::Secret};

/// A new account.
#[derive(Clone, Debug)]
pub struct Register {
    /// E-mail address, as typed.
    pub email: Secret,
    /// Password, 8 to 256 characters.
    pub password: Secret,
    /// Name to show, 1 to 100 characters.
    pub display_name: Secret,
}

/// An account, readable.
#[derive(Clone, PartialEq, Eq)]
pub struct Profile {
    /// Who.
    pub id: UserId,
    /// E-mail address; none when it was erased.
    pub email: Option<String>,
    /// Name to show; none when it was erased.
    pub display_name: Option<String>,
    /// Roles; `customer` is always there.
    pub roles: BTreeSet<Role>,
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profile").field("id", &self.id).field("roles", &self.roles).finish_non_exhaustive()
    }
}

/// Names an account.
#[derive(Clone, Debug)]
pub enum Who {
    /// By id.
    Id(UserId),
    /// By e-mail address.
    Email(Secret),
}

/// Opens an account. The id is derived from the command.
///
/// # Errors
/// `Invalid`; conflict `email_taken`.
pub async fn register(_app: &App, _ctx: &Context, _input: Register) -> Result<Done<Profile>, AppError> {
    unimplemented!()
}

/// The account of an e-mail address and its password. An unknown address takes as long as a wrong password.
///
/// # Errors
/// `Unauthorized`.
pub async fn authenticate(_app: &App, _email: &str, _password: &str) -> Result<Profile, AppError> {
    unimplemented!()
}

/// The account `user`.
///
/// # Errors
/// `NotFound`.
pub async fn profile(_app: &App, _user: UserId) -> Result<Profile, AppError> {
    unimplemented!()
}

/// The roles of `user`; for the authentication of every request.
///
/// # Errors
/// `NotFound`.
pub async fn roles(_app: &App, _user: UserId) -> Result<BTreeSet<Role>, AppError> {
    unimplemented!()
}

/// The account that `who` names.
///
/// # Errors
/// `NotFound`.
pub async fn find(_app: &App, _who: &Who) -> Result<UserId, AppError> {
    unimplemented!()
}

/// Gives a role; admin only.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn grant_role(_app: &App, _ctx: &Context, _who: &Who, _role: Role) -> Result<Done<Profile>, AppError> {
    unimplemented!()
}

/// Takes a role back; admin only.
///
/// # Errors
/// `NotFound`, `Forbidden`; conflict `role_not_revocable`.
pub async fn revoke_role(_app: &App, _ctx: &Context, _who: &Who, _role: Role) -> Result<Done<Profile>, AppError> {
    unimplemented!()
}

/// Records an API key of the caller; the caller made the key and gives its SHA-256. The id is derived from the command.
///
/// # Errors
/// `Unauthorized`, `Invalid`; conflict `too_many_api_keys`.
pub async fn issue_api_key(
    _app: &App,
    _ctx: &Context,
    _label: &str,
    _hash: [u8; 32],
) -> Result<Done<ApiKeyId>, AppError> {
    unimplemented!()
}

/// Ends an API key of the caller.
///
/// # Errors
/// `Unauthorized`, `NotFound`.
pub async fn revoke_api_key(_app: &App, _ctx: &Context, _key: ApiKeyId) -> Result<Done<()>, AppError> {
    unimplemented!()
}

/// Live API keys of the caller, and their labels.
///
/// # Errors
/// `Unauthorized`.
pub async fn api_keys(_app: &App, _ctx: &Context) -> Result<BTreeMap<ApiKeyId, String>, AppError> {
    unimplemented!()
}
