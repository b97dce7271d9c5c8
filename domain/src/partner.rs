//! Somebody else's system that consumes public events: what it may see, how much of it, and by which keys.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    decider::Decider,
    id::{PartnerId, PartnerKeyId, PluginId, VendorId},
    stream::Category,
};

/// A partner as its events tell it.
#[derive(Clone, Debug, Default)]
pub enum State {
    /// Never registered.
    #[default]
    Absent,
    /// Registered.
    Registered(Partner),
}

/// A registered partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partner {
    /// Which.
    pub id: PartnerId,
    /// What the operator calls it.
    pub name: String,
    /// What it may see.
    pub scopes: Scopes,
    /// How much of it.
    pub quotas: Quotas,
    /// Why it sees nothing for now; none when it does.
    pub suspended: Option<String>,
    /// Live keys and what they are called.
    pub keys: BTreeMap<PartnerKeyId, String>,
}

impl Partner {
    /// As many keys may be live at once.
    pub const MAX_KEYS: usize = 10;
}

/// What a partner may see. What is empty does not restrict, except that no types are no events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scopes {
    /// Patterns of types of public events: `plugin.version_approved`, `plugin.*` or `*`.
    pub types: BTreeSet<String>,
    /// Only what concerns one of these vendors,
    pub vendors: BTreeSet<VendorId>,
    /// or one of these plugins.
    pub plugins: BTreeSet<PluginId>,
}

impl Scopes {
    /// As many entries may each list have.
    pub const MAX_ENTRIES: usize = 200;

    /// Whether events of the type `name`, as in `plugin.version_approved`, are in it.
    #[must_use]
    pub fn has_type(&self, name: &str) -> bool {
        self.types.iter().any(|pattern| matches(pattern, name))
    }

    /// Whether what concerns this plugin and this vendor is in it.
    #[must_use]
    pub fn has(&self, plugin: Option<PluginId>, vendor: Option<VendorId>) -> bool {
        (self.vendors.is_empty() && self.plugins.is_empty())
            || vendor.is_some_and(|vendor| self.vendors.contains(&vendor))
            || plugin.is_some_and(|plugin| self.plugins.contains(&plugin))
    }
}

/// Whether the type `name` fits `pattern`: it is the same, or the pattern is `*`, or ends in `.*` and begins the same.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some("") => true,
        Some(start) => start.ends_with('.') && name.starts_with(start),
        None => pattern == name,
    }
}

/// How much a partner may have at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quotas {
    /// Requests a minute.
    pub requests_per_minute: u32,
    /// Streams at once, of one process that serves HTTP.
    pub streams: u32,
    /// Webhooks.
    pub webhooks: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { requests_per_minute: 600, streams: 10, webhooks: 5 }
    }
}

/// What can be asked of a partner.
#[derive(Clone, Debug)]
pub enum Command {
    /// Open it.
    Register {
        /// Which.
        id: PartnerId,
        /// What the operator calls it.
        name: String,
        /// What it may see.
        scopes: Scopes,
        /// How much of it.
        quotas: Quotas,
    },
    /// Let it see other things, or more or less of them.
    SetScopes {
        /// What.
        scopes: Scopes,
        /// How much.
        quotas: Quotas,
    },
    /// Let it see nothing.
    Suspend {
        /// Why.
        reason: String,
    },
    /// Let it see again what it may.
    Reinstate,
    /// Note a key that was made for it.
    IssueKey {
        /// Which.
        key: PartnerKeyId,
        /// What it is called.
        label: String,
    },
    /// Let a key open nothing any more.
    RevokeKey {
        /// Which.
        key: PartnerKeyId,
    },
}

/// What happens to a partner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// It was opened.
    #[serde(rename = "partner.registered", rename_all = "camelCase")]
    Registered {
        /// Which.
        partner_id: PartnerId,
        /// What the operator calls it.
        name: String,
        /// What it may see.
        scopes: Scopes,
        /// How much of it.
        quotas: Quotas,
    },
    /// It may see other things, or more or less of them.
    #[serde(rename = "partner.scopes_set", rename_all = "camelCase")]
    ScopesSet {
        /// What.
        scopes: Scopes,
        /// How much.
        quotas: Quotas,
    },
    /// It sees nothing.
    #[serde(rename = "partner.suspended", rename_all = "camelCase")]
    Suspended {
        /// Why.
        reason: String,
    },
    /// It sees again what it may.
    #[serde(rename = "partner.reinstated")]
    Reinstated {},
    /// A key was made for it. What opens is kept elsewhere, as a hash.
    #[serde(rename = "partner.key_issued", rename_all = "camelCase")]
    KeyIssued {
        /// Which.
        key_id: PartnerKeyId,
        /// What it is called.
        label: String,
    },
    /// A key opens nothing any more.
    #[serde(rename = "partner.key_revoked", rename_all = "camelCase")]
    KeyRevoked {
        /// Which.
        key_id: PartnerKeyId,
    },
}

impl Event {
    /// The type under which the log keeps it.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Registered { .. } => "partner.registered",
            Self::ScopesSet { .. } => "partner.scopes_set",
            Self::Suspended { .. } => "partner.suspended",
            Self::Reinstated { .. } => "partner.reinstated",
            Self::KeyIssued { .. } => "partner.key_issued",
            Self::KeyRevoked { .. } => "partner.key_revoked",
        }
    }
}

/// Why a partner refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// This id is in use.
    #[error("this partner is registered already")]
    AlreadyRegistered,
    /// No such partner.
    #[error("this partner does not exist")]
    NotRegistered,
    /// No such key.
    #[error("this partner has no such key")]
    UnknownKey,
    /// More than [`Partner::MAX_KEYS`].
    #[error("a partner has at most {0} live keys")]
    TooManyKeys(usize),
}

/// Decides about partners, on streams `partner-`.
pub struct Partners;

impl Decider for Partners {
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Error;

    const CATEGORY: Category = Category::Partner;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Error> {
        match (state, command) {
            (State::Absent, Command::Register { id, name, scopes, quotas }) => {
                Ok(vec![Event::Registered { partner_id: id, name, scopes, quotas }])
            }
            (State::Absent, _) => Err(Error::NotRegistered),
            (State::Registered(_), Command::Register { .. }) => Err(Error::AlreadyRegistered),
            (State::Registered(known), command) => known.decide(command),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match (state, event) {
            (State::Absent, Event::Registered { partner_id, name, scopes, quotas }) => State::Registered(Partner {
                id: *partner_id,
                name: name.clone(),
                scopes: scopes.clone(),
                quotas: *quotas,
                suspended: None,
                keys: BTreeMap::new(),
            }),
            (State::Registered(known), event) => State::Registered(known.evolve(event)),
            (State::Absent, _) => State::Absent,
        }
    }
}

impl Partner {
    fn decide(&self, command: Command) -> Result<Vec<Event>, Error> {
        Ok(match command {
            Command::Register { .. } => return Err(Error::AlreadyRegistered),
            Command::SetScopes { scopes, quotas } if scopes == self.scopes && quotas == self.quotas => vec![],
            Command::SetScopes { scopes, quotas } => vec![Event::ScopesSet { scopes, quotas }],
            Command::Suspend { reason } if self.suspended.as_ref() == Some(&reason) => vec![],
            Command::Suspend { reason } => vec![Event::Suspended { reason }],
            Command::Reinstate if self.suspended.is_none() => vec![],
            Command::Reinstate => vec![Event::Reinstated {}],
            Command::IssueKey { key, .. } if self.keys.contains_key(&key) => vec![],
            Command::IssueKey { .. } if self.keys.len() >= Self::MAX_KEYS => {
                return Err(Error::TooManyKeys(Self::MAX_KEYS));
            }
            Command::IssueKey { key, label } => vec![Event::KeyIssued { key_id: key, label }],
            Command::RevokeKey { key } if self.keys.contains_key(&key) => vec![Event::KeyRevoked { key_id: key }],
            Command::RevokeKey { .. } => return Err(Error::UnknownKey),
        })
    }

    fn evolve(mut self, event: &Event) -> Self {
        match event {
            Event::Registered { .. } => {}
            Event::ScopesSet { scopes, quotas } => (self.scopes, self.quotas) = (scopes.clone(), *quotas),
            Event::Suspended { reason } => self.suspended = Some(reason.clone()),
            Event::Reinstated {} => self.suspended = None,
            Event::KeyIssued { key_id, label } => drop(self.keys.insert(*key_id, label.clone())),
            Event::KeyRevoked { key_id } => drop(self.keys.remove(key_id)),
        }
        self
    }
}

#[cfg(test)]
mod tests;
