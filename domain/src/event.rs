//! Every event there is, and how the log keeps them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{installation, license, order, plugin, reservation, review, user, validation, vendor};

/// An event of any decider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum DomainEvent {
    /// `user.*`
    User(user::Event),
    /// `vendor.*`
    Vendor(vendor::Event),
    /// `plugin.*`
    Plugin(plugin::Event),
    /// `validation.*`
    Validation(validation::Event),
    /// `installation.*`
    Installation(installation::Event),
    /// `review.*`
    Review(review::Event),
    /// `order.*` and `payment.*`
    Order(order::Event),
    /// `license.*`
    License(license::Event),
    /// `name.*`, `slug.*` and `email.*`
    Reservation(reservation::Event),
}

/// An event as it is written: its type, the version of its shape, its fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    /// `category.past_tense`
    pub event_type: String,
    /// The version of the shape, from 1.
    pub schema_version: u16,
    /// The fields. Personal ones are still readable and must be sealed.
    pub data: Value,
}

/// Why stored bytes are no event that this Souk knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No event has this type.
    #[error("event type `{0}` is unknown")]
    UnknownType(String),
    /// Written by a newer Souk.
    #[error("event type `{event_type}` has schema version {found}, but this Souk knows up to {known}")]
    FutureVersion {
        /// Its type.
        event_type: String,
        /// The stored version.
        found: u16,
        /// The newest version that is known.
        known: u16,
    },
    /// The fields do not fit.
    #[error("event of type `{event_type}` cannot be read: {problem}")]
    Malformed {
        /// Its type.
        event_type: String,
        /// What does not fit.
        problem: String,
    },
}
