//! A person with an account: roles and API keys.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    id::{ApiKeyId, UserId},
    personal::Personal,
};

/// What a person may do beyond what everyone may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everyone.
    Customer,
    /// Owns at least one vendor.
    Vendor,
    /// Decides about versions, plugins and reviews.
    Moderator,
    /// Everything; implies moderator.
    Admin,
}

/// An account as its events tell it.
#[derive(Clone, Debug, Default)]
pub enum State {
    /// Never registered.
    #[default]
    Absent,
    /// Its address was reserved, but it never came to be; closed for good.
    Abandoned,
    /// Registered.
    Registered(User),
}

/// A registered account.
#[derive(Clone, Debug)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// E-mail address, sealed or readable as the event was.
    pub email: Personal,
    /// Name to show.
    pub display_name: Personal,
    /// Granted roles; `customer` is always there.
    pub roles: BTreeSet<Role>,
    /// Live API keys and their labels.
    pub api_keys: BTreeMap<ApiKeyId, String>,
}

/// What can be asked of an account.
#[derive(Clone, Debug)]
pub enum Command {
    /// Open it.
    Register {
        /// Who.
        id: UserId,
        /// E-mail address.
        email: Personal,
        /// Name to show.
        display_name: Personal,
    },
    /// Give a role.
    GrantRole {
        /// Which.
        role: Role,
    },
    /// Take a role back.
    RevokeRole {
        /// Which.
        role: Role,
    },
    /// Record that an API key was made; its hash lies outside the log.
    IssueApiKey {
        /// Which.
        key: ApiKeyId,
        /// What the owner calls it.
        label: String,
    },
    /// Record that an API key is no longer valid.
    RevokeApiKey {
        /// Which.
        key: ApiKeyId,
    },
    /// Close a stream that never began, so that its reservation can be released.
    Abandon,
}

/// What happens to an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// The account was opened.
    #[serde(rename = "user.registered", rename_all = "camelCase")]
    Registered {
        /// Who.
        user_id: UserId,
        /// E-mail address.
        email: Personal,
        /// Name to show.
        display_name: Personal,
    },
    /// A role was given.
    #[serde(rename = "user.role_granted", rename_all = "camelCase")]
    RoleGranted {
        /// Which.
        role: Role,
    },
    /// A role was taken back.
    #[serde(rename = "user.role_revoked", rename_all = "camelCase")]
    RoleRevoked {
        /// Which.
        role: Role,
    },
    /// An API key was made.
    #[serde(rename = "user.api_key_issued", rename_all = "camelCase")]
    ApiKeyIssued {
        /// Which.
        key_id: ApiKeyId,
        /// What the owner calls it.
        label: String,
    },
    /// An API key is no longer valid.
    #[serde(rename = "user.api_key_revoked", rename_all = "camelCase")]
    ApiKeyRevoked {
        /// Which.
        key_id: ApiKeyId,
    },
    /// The stream was closed before it began.
    #[serde(rename = "user.abandoned")]
    Abandoned {},
}

/// Why an account refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another registration already used this id.
    #[error("this account is registered already")]
    AlreadyRegistered,
    /// No such account.
    #[error("this account does not exist")]
    NotRegistered,
    /// `customer` is everyone's and cannot be taken.
    #[error("every account keeps the role customer")]
    RoleNotRevocable,
    /// No such live key.
    #[error("this API key does not exist or was revoked")]
    UnknownApiKey,
    /// As many keys as one account may have.
    #[error("an account has at most {0} API keys")]
    TooManyApiKeys(usize),
    /// The stream was closed before the account came to be.
    #[error("this registration was abandoned; register again")]
    Abandoned,
}
