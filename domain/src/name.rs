//! Names that people choose and that must be unique, or that find something again.

use std::fmt;

use uuid::Uuid;

use crate::{
    listing::{Invalid, InvalidFields},
    text,
};

/// The unique name of a plugin, as spelled by its maker: letters, digits, `.`, `_` and `-`, 2 to 150 of them, not
/// only signs, and no UUID, which would name another plugin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PluginName(String);

impl PluginName {
    /// Checks `text`.
    ///
    /// # Errors
    /// What is wrong with the field `name`.
    pub fn parse(text: &str) -> Result<Self, InvalidFields> {
        let name = Self(text.to_owned());
        if !(2..=150).contains(&text.len()) {
            return refuse("name", "must have 2 to 150 characters");
        }
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
            return refuse("name", "must consist of the letters a to z and A to Z, digits, `.`, `_` and `-`");
        }
        // `..` in a path would lead elsewhere.
        if !text.bytes().any(|b| b.is_ascii_alphanumeric()) {
            return refuse("name", "must have a letter or digit");
        }
        if is_uuid(text) || is_uuid(&name.key()) {
            return refuse("name", "must not be a UUID");
        }
        Ok(name)
    }

    /// The name as spelled.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is compared: lower case, with `.`, `_` and `-` equal. Two plugins never share it.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.chars().map(|c| if matches!(c, '.' | '_') { '-' } else { c.to_ascii_lowercase() }).collect()
    }
}

/// The unique short name of a vendor: lower-case letters, digits and hyphens, 2 to 64 of them, a letter or digit first
/// and last, and no UUID, which would name another vendor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slug(String);

impl Slug {
    /// Checks `text`.
    ///
    /// # Errors
    /// What is wrong with the field `slug`.
    pub fn parse(text: &str) -> Result<Self, InvalidFields> {
        if !(2..=64).contains(&text.len()) {
            return refuse("slug", "must have 2 to 64 characters");
        }
        if !text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return refuse("slug", "must consist of the letters a to z, digits and `-`");
        }
        if !ends_are_alphanumeric(text) {
            return refuse("slug", "must begin and end with a letter or digit");
        }
        if is_uuid(text) {
            return refuse("slug", "must not be a UUID");
        }
        Ok(Self(text.to_owned()))
    }

    /// The slug.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is compared: the slug itself, since it has one spelling only.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.0
    }
}

/// An e-mail address that could exist, at most 254 bytes. Never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Checks `text`; blanks around it are dropped.
    ///
    /// # Errors
    /// What is wrong with the field `email`; the address itself is not repeated.
    pub fn parse(text: &str) -> Result<Self, InvalidFields> {
        let text = text.trim();
        if text.len() > 254 {
            return refuse("email", "must have at most 254 bytes");
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return refuse("email", "must not contain blanks or control characters");
        }
        let plausible =
            text.split_once('@').is_some_and(|(local, domain)| (1..=64).contains(&local.len()) && is_domain(domain));
        if plausible { Ok(Self(text.to_owned())) } else { refuse("email", "must be an e-mail address") }
    }

    /// The address as spelled, without blanks around it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is compared: lower case. Two accounts never share it.
    #[must_use]
    pub fn normalized(&self) -> String {
        self.0.to_lowercase()
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[e-mail address]")
    }
}

/// What a client calls a machine so that it knows it again: one line of 1 to 255 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Checks `text`.
    ///
    /// # Errors
    /// What is wrong with the field `fingerprint`.
    pub fn parse(text: &str) -> Result<Self, InvalidFields> {
        text::line("fingerprint", text, 255)?;
        Ok(Self(text.to_owned()))
    }

    /// The fingerprint.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the holder of a license calls a machine: one line of 1 to 255 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivationLabel(String);

impl ActivationLabel {
    /// Checks `text`.
    ///
    /// # Errors
    /// What is wrong with the field `label`.
    pub fn parse(text: &str) -> Result<Self, InvalidFields> {
        text::line("label", text, 255)?;
        Ok(Self(text.to_owned()))
    }

    /// The label.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn refuse<T>(field: &str, problem: &str) -> Result<T, InvalidFields> {
    Err(Invalid { field: field.to_owned(), problem: problem.to_owned() }.into())
}

fn ends_are_alphanumeric(text: &str) -> bool {
    let alphanumeric = |byte: Option<u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric());
    alphanumeric(text.bytes().next()) && alphanumeric(text.bytes().next_back())
}

/// Whether any of the spellings of a UUID, also the one without hyphens, fits.
fn is_uuid(text: &str) -> bool {
    Uuid::try_parse(text).is_ok()
}

/// At least two labels of letters (of any script), digits and inner hyphens.
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    text.contains('.') && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests;
