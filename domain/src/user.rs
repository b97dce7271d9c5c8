//! A person with an account: roles and API keys.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    decider::Decider,
    id::{ApiKeyId, UserId},
    personal::Personal,
    stream::Category,
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
    /// Nobody knows any more whose it was.
    Erased,
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
    /// Live API keys and their labels, sealed or readable as the events were.
    pub api_keys: BTreeMap<ApiKeyId, Personal>,
    /// Since when it is being erased.
    pub erasing: Option<DateTime<Utc>>,
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
        label: Personal,
    },
    /// Record that an API key is no longer valid.
    RevokeApiKey {
        /// Which.
        key: ApiKeyId,
    },
    /// Ask that nobody can read any more what this person said. That cannot be taken back.
    RequestErasure {
        /// When.
        now: DateTime<Utc>,
    },
    /// Record that the person's key is gone.
    Erase {
        /// When.
        now: DateTime<Utc>,
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
        label: Personal,
    },
    /// An API key is no longer valid.
    #[serde(rename = "user.api_key_revoked", rename_all = "camelCase")]
    ApiKeyRevoked {
        /// Which.
        key_id: ApiKeyId,
    },
    /// Somebody asked for the person's data to be erased: from here on the account does nothing any more.
    #[serde(rename = "user.erasure_requested", rename_all = "camelCase")]
    ErasureRequested {
        /// When.
        requested_at: DateTime<Utc>,
    },
    /// The person's key is gone, and with it everything that it sealed.
    #[serde(rename = "user.erased", rename_all = "camelCase")]
    Erased {
        /// When.
        erased_at: DateTime<Utc>,
    },
    /// The stream was closed before it began.
    #[serde(rename = "user.abandoned")]
    Abandoned {},
}

impl Event {
    /// The type under which the log keeps it.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Registered { .. } => "user.registered",
            Self::RoleGranted { .. } => "user.role_granted",
            Self::RoleRevoked { .. } => "user.role_revoked",
            Self::ApiKeyIssued { .. } => "user.api_key_issued",
            Self::ApiKeyRevoked { .. } => "user.api_key_revoked",
            Self::ErasureRequested { .. } => "user.erasure_requested",
            Self::Erased { .. } => "user.erased",
            Self::Abandoned { .. } => "user.abandoned",
        }
    }
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
    /// It is being erased, or was.
    #[error("this account is erased")]
    Erased,
    /// Nobody asked for it.
    #[error("nobody asked for this account to be erased")]
    ErasureNotRequested,
    /// The stream was closed before the account came to be.
    #[error("this registration was abandoned; register again")]
    Abandoned,
}

/// Decides about accounts, on streams `user-`.
pub struct Users;

impl Users {
    /// As many live API keys as one account may have.
    pub const MAX_API_KEYS: usize = 50;
}

impl Decider for Users {
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Error;

    const CATEGORY: Category = Category::User;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Error> {
        match state {
            State::Absent => match command {
                Command::Register { id, email, display_name } => {
                    Ok(vec![Event::Registered { user_id: id, email, display_name }])
                }
                Command::Abandon => Ok(vec![Event::Abandoned {}]),
                _ => Err(Error::NotRegistered),
            },
            State::Abandoned => match command {
                Command::Abandon => Ok(vec![]),
                _ => Err(Error::Abandoned),
            },
            State::Registered(user) => match (user.erasing, command) {
                (None, Command::RequestErasure { now }) => Ok(vec![Event::ErasureRequested { requested_at: now }]),
                (None, Command::Erase { .. }) => Err(Error::ErasureNotRequested),
                (None, command) => decide_registered(user, command),
                (Some(_), Command::RequestErasure { .. } | Command::Abandon) => Ok(vec![]),
                (Some(_), Command::Erase { now }) => Ok(vec![Event::Erased { erased_at: now }]),
                (Some(_), _) => Err(Error::Erased),
            },
            State::Erased => match command {
                Command::RequestErasure { .. } | Command::Erase { .. } | Command::Abandon => Ok(vec![]),
                _ => Err(Error::Erased),
            },
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match (state, event) {
            (State::Absent, Event::Registered { user_id, email, display_name }) => State::Registered(User {
                id: *user_id,
                email: email.clone(),
                display_name: display_name.clone(),
                roles: BTreeSet::from([Role::Customer]),
                api_keys: BTreeMap::new(),
                erasing: None,
            }),
            (State::Absent, Event::Abandoned {}) => State::Abandoned,
            (State::Registered(_), Event::Erased { .. }) => State::Erased,
            (State::Registered(mut user), event) => {
                match event {
                    Event::RoleGranted { role } => {
                        user.roles.insert(*role);
                    }
                    Event::RoleRevoked { role } => {
                        user.roles.remove(role);
                    }
                    Event::ApiKeyIssued { key_id, label } => {
                        user.api_keys.insert(*key_id, label.clone());
                    }
                    Event::ApiKeyRevoked { key_id } => {
                        user.api_keys.remove(key_id);
                    }
                    Event::ErasureRequested { requested_at } => user.erasing = Some(*requested_at),
                    Event::Registered { .. } | Event::Abandoned {} | Event::Erased { .. } => {}
                }
                State::Registered(user)
            }
            (state, _) => state,
        }
    }
}

fn decide_registered(user: &User, command: Command) -> Result<Vec<Event>, Error> {
    let event = match command {
        Command::Register { id, .. } if id == user.id => return Ok(vec![]),
        Command::Register { .. } => return Err(Error::AlreadyRegistered),
        // It came to be after all, so its reservation stays.
        Command::Abandon => return Ok(vec![]),
        Command::GrantRole { role } if user.roles.contains(&role) => return Ok(vec![]),
        Command::GrantRole { role } => Event::RoleGranted { role },
        Command::RevokeRole { role: Role::Customer } => return Err(Error::RoleNotRevocable),
        Command::RevokeRole { role } if !user.roles.contains(&role) => return Ok(vec![]),
        Command::RevokeRole { role } => Event::RoleRevoked { role },
        Command::IssueApiKey { key, .. } if user.api_keys.contains_key(&key) => return Ok(vec![]),
        Command::IssueApiKey { .. } if user.api_keys.len() >= Users::MAX_API_KEYS => {
            return Err(Error::TooManyApiKeys(Users::MAX_API_KEYS));
        }
        Command::IssueApiKey { key, label } => Event::ApiKeyIssued { key_id: key, label },
        Command::RevokeApiKey { key } if !user.api_keys.contains_key(&key) => return Err(Error::UnknownApiKey),
        Command::RevokeApiKey { key } => Event::ApiKeyRevoked { key_id: key },
        // Decided where it is looked at whether the account is being erased.
        Command::RequestErasure { .. } | Command::Erase { .. } => return Ok(vec![]),
    };
    Ok(vec![event])
}

#[cfg(test)]
mod tests;
