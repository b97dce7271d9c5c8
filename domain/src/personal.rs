//! Personal data: a text that belongs to a person and can be erased with that person's key.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::UserId;

/// Marks a field that must be sealed before it reaches the log.
pub const CLEAR_MARKER: &str = "$personal";
/// Marks a sealed field; the value is the version of the sealing.
pub const SEALED_MARKER: &str = "$enc";
/// Marks a field whose key was destroyed.
pub const ERASED_MARKER: &str = "$erased";

/// A text about a person. It serializes to a marked object, so that the vault finds, seals and opens
/// every such field of an event without knowing the event's type.
#[derive(Clone, PartialEq)]
pub enum Personal {
    /// Readable, and whose it is: `{"$personal":{"subject":…,"text":…}}`. Never in the log.
    Clear {
        /// The person whose key seals the text.
        subject: UserId,
        /// The text.
        text: String,
    },
    /// As the log keeps it: `{"$enc":1,…}`.
    Sealed(Value),
    /// The key is gone: `{"$erased":true}`.
    Erased,
}

impl Personal {
    /// A readable text of `subject`.
    #[must_use]
    pub fn new(subject: UserId, text: impl Into<String>) -> Self {
        Self::Clear { subject, text: text.into() }
    }

    /// The text, while it can be read.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Clear { text, .. } => Some(text),
            Self::Sealed(_) | Self::Erased => None,
        }
    }
}

impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clear { .. } => "[personal]",
            Self::Sealed(_) => "[sealed]",
            Self::Erased => "[erased]",
        })
    }
}

#[derive(Serialize, Deserialize)]
struct Clear {
    subject: UserId,
    text: String,
}

impl Serialize for Personal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Clear { subject, text } => {
                let clear = Clear { subject: *subject, text: text.clone() };
                std::collections::BTreeMap::from([(CLEAR_MARKER, clear)]).serialize(serializer)
            }
            Self::Sealed(value) => value.serialize(serializer),
            Self::Erased => std::collections::BTreeMap::from([(ERASED_MARKER, true)]).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Personal {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let Value::Object(fields) = &value else {
            return Err(serde::de::Error::custom("personal data must be a marked object"));
        };
        if let Some(clear) = fields.get(CLEAR_MARKER) {
            let Clear { subject, text } = Clear::deserialize(clear).map_err(serde::de::Error::custom)?;
            Ok(Self::Clear { subject, text })
        } else if fields.contains_key(ERASED_MARKER) {
            Ok(Self::Erased)
        } else if fields.contains_key(SEALED_MARKER) {
            Ok(Self::Sealed(value))
        } else {
            Err(serde::de::Error::custom("personal data carries none of its markers"))
        }
    }
}

#[cfg(test)]
mod tests;
