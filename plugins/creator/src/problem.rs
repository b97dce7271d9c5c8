//! What is wrong with a specification.

/// Why there is no package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Stable, in snake case.
    pub code: &'static str,
    /// Which field, what is wrong, and what to write instead.
    pub message: String,
}

impl Problem {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn missing(field: &str, what: &str) -> Self {
        Self::new("field_missing", format!("`{field}` is missing: {what}"))
    }

    pub(crate) fn invalid(field: &str, what: &str) -> Self {
        Self::new("field_invalid", format!("`{field}` {what}"))
    }
}
