//! Uniqueness across aggregates: a stream a key, free or held by one id.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Whether the key is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Nobody has it.
    #[default]
    Free,
    /// This plugin, vendor or user has it.
    Held(Uuid),
}

/// What a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A plugin's name.
    Name,
    /// A vendor's slug.
    Slug,
    /// An e-mail address, as a keyed hash.
    Email,
}

/// What can be asked of a key.
#[derive(Clone, Debug)]
pub enum Command {
    /// Take it.
    Reserve {
        /// What it is.
        kind: Kind,
        /// For whom.
        holder: Uuid,
    },
    /// Give it back; nothing happens when another holds it.
    Release {
        /// What it is.
        kind: Kind,
        /// Who held it.
        holder: Uuid,
    },
}

/// Who a reservation is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// The plugin, vendor or user.
    pub holder_id: Uuid,
}

/// What happens to a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// A plugin's name was taken.
    #[serde(rename = "name.reserved")]
    NameReserved(Holder),
    /// A plugin's name was given back.
    #[serde(rename = "name.released")]
    NameReleased(Holder),
    /// A vendor's slug was taken.
    #[serde(rename = "slug.reserved")]
    SlugReserved(Holder),
    /// A vendor's slug was given back.
    #[serde(rename = "slug.released")]
    SlugReleased(Holder),
    /// An e-mail address was taken.
    #[serde(rename = "email.reserved")]
    EmailReserved(Holder),
    /// An e-mail address was given back.
    #[serde(rename = "email.released")]
    EmailReleased(Holder),
}

/// Why a key refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another id has it.
    #[error("this is taken")]
    Taken {
        /// Who has it.
        holder: Uuid,
    },
}
