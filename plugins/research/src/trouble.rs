//! What went wrong.

use serde::Serialize;

/// Why something came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// Stable, in snake case.
    pub(crate) reason: &'static str,
    /// For people.
    pub(crate) message: String,
}

impl Trouble {
    pub(crate) fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// A source that is not part of the answer.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Failed {
    source: String,
    reason: &'static str,
    message: String,
}

impl Failed {
    pub(crate) fn new(source: &str, trouble: Trouble) -> Self {
        Self { source: source.to_owned(), reason: trouble.reason, message: trouble.message }
    }
}
