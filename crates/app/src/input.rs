//! What comes in.

use std::fmt;

use serde::Deserialize;

/// A text that never shows in logs: a password, an address, the words of a person.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// The longest reason that somebody gives, characters.
pub const MAX_REASON: usize = 1_000;
/// The longest appeal, characters: enough to go through many findings one by one.
pub const MAX_APPEAL: usize = 5_000;
