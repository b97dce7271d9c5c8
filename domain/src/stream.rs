//! Names of event streams: `category-uuid`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    id::{Id, PluginId, UserId, derive},
    order::Gateway,
};

/// What a stream is about: the part of its name before the first hyphen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// `user-`
    User,
    /// `vendor-`
    Vendor,
    /// `plugin-`
    Plugin,
    /// `validation-`
    Validation,
    /// `installation-`
    Installation,
    /// `execution-`
    Execution,
    /// `review-`
    Review,
    /// `order-`
    Order,
    /// `subscription-`
    Subscription,
    /// `license-`
    License,
    /// `download-`
    Download,
    /// `invoice-`: consecutive numbers of invoices and credit notes
    Invoice,
    /// `webhook-`: what payment gateways told
    Webhook,
    /// `traffic-`: how often pages were looked at
    Traffic,
    /// `partner-`: systems that consume public events
    Partner,
    /// `name-`: reservations of plugin names
    Name,
    /// `slug-`: reservations of vendor slugs
    Slug,
    /// `email-`: reservations of e-mail addresses
    Email,
    /// `reference-`: which order or subscription a gateway's name belongs to
    Reference,
    /// `trial-`: trials that were begun, one a user and plugin
    Trial,
    /// `key-`: which vendor a public key belongs to
    Key,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 21] = [
        Self::User,
        Self::Vendor,
        Self::Plugin,
        Self::Validation,
        Self::Installation,
        Self::Execution,
        Self::Review,
        Self::Order,
        Self::Subscription,
        Self::License,
        Self::Download,
        Self::Invoice,
        Self::Webhook,
        Self::Traffic,
        Self::Partner,
        Self::Name,
        Self::Slug,
        Self::Email,
        Self::Reference,
        Self::Trial,
        Self::Key,
    ];

    /// The category as it stands in a stream's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Vendor => "vendor",
            Self::Plugin => "plugin",
            Self::Validation => "validation",
            Self::Installation => "installation",
            Self::Execution => "execution",
            Self::Review => "review",
            Self::Order => "order",
            Self::Subscription => "subscription",
            Self::License => "license",
            Self::Download => "download",
            Self::Invoice => "invoice",
            Self::Webhook => "webhook",
            Self::Traffic => "traffic",
            Self::Partner => "partner",
            Self::Name => "name",
            Self::Slug => "slug",
            Self::Email => "email",
            Self::Reference => "reference",
            Self::Trial => "trial",
            Self::Key => "key",
        }
    }
}

/// The name of one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// What the stream is about.
    pub category: Category,
    /// Which one of its category.
    pub uuid: Uuid,
}

impl StreamId {
    /// The stream of `category` that `id` names.
    #[must_use]
    pub const fn new(category: Category, uuid: Uuid) -> Self {
        Self { category, uuid }
    }

    /// The stream of the aggregate `id`.
    #[must_use]
    pub const fn of<K>(category: Category, id: Id<K>) -> Self {
        Self::new(category, id.uuid())
    }

    /// The reservation stream of a normalized plugin name.
    #[must_use]
    pub fn of_name(key: &str) -> Self {
        Self::new(Category::Name, derive(&["name", key]))
    }

    /// The stream that says to what a gateway's name belongs.
    #[must_use]
    pub fn of_reference(gateway: Gateway, reference: &str) -> Self {
        Self::new(Category::Reference, derive(&["reference", gateway.as_str(), reference]))
    }

    /// The stream that says by which order `user` tried `plugin`.
    #[must_use]
    pub fn of_trial(user: UserId, plugin: PluginId) -> Self {
        Self::new(Category::Trial, derive(&["trial", &user.to_string(), &plugin.to_string()]))
    }

    /// The stream that says which vendor a public key belongs to; `key` is base64 of 32 bytes.
    #[must_use]
    pub fn of_key(key: &str) -> Self {
        Self::new(Category::Key, derive(&["key", key]))
    }

    /// The reservation stream of a normalized vendor slug.
    #[must_use]
    pub fn of_slug(key: &str) -> Self {
        Self::new(Category::Slug, derive(&["slug", key]))
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.category.as_str(), self.uuid)
    }
}

/// A text that is not the name of a stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a stream name of the form category-uuid")]
pub struct InvalidStreamId(pub String);

impl FromStr for StreamId {
    type Err = InvalidStreamId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidStreamId(text.to_owned());
        let (category, uuid) = text.split_once('-').ok_or_else(invalid)?;
        let category = Category::ALL.into_iter().find(|known| known.as_str() == category).ok_or_else(invalid)?;
        Ok(Self::new(category, uuid.parse().map_err(|_| invalid())?))
    }
}

impl Serialize for StreamId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StreamId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
