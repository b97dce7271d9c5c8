//! What a listing says: its details, its price, the terms of its licenses.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::money::{Currency, Money};

/// What sort of asset a plugin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A sub-agent.
    Agent,
    /// A skill (`SKILL.md`).
    Skill,
    /// A slash command.
    Command,
    /// A bundle of agents, skills, commands and hooks.
    Plugin,
    /// A server of the Model Context Protocol.
    McpServer,
    /// An automation, such as an n8n workflow.
    Workflow,
    /// Anything else.
    Asset,
}

/// What a plugin says of itself. Build it with [`Details::checked`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// Name to show, 1 to 200 characters.
    pub display_name: String,
    /// What sort of asset.
    pub kind: Kind,
    /// One paragraph, 1 to 1,000 characters.
    pub summary: String,
    /// Markdown, 1 to 50,000 characters.
    pub description: String,
    /// One category, 1 to 64 characters.
    pub category: String,
    /// At most 20 tags of 1 to 64 characters.
    pub tags: Vec<String>,
    /// SPDX expression or `NOASSERTION`.
    pub license: String,
    /// Pictures and films: at most 20 https addresses.
    #[serde(default)]
    pub media: Vec<Media>,
    /// How hard it is to set up.
    #[serde(default)]
    pub complexity: Option<Complexity>,
    /// How long it takes to set up, minutes.
    #[serde(default)]
    pub setup_minutes: Option<u32>,
    /// What must be there first: at most 50 lines.
    #[serde(default)]
    pub requirements: Vec<String>,
}

/// A picture or a film of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Media {
    /// An https address.
    pub url: String,
    /// A text for who cannot see it.
    #[serde(default)]
    pub alt: String,
}

/// How hard a plugin is to set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Complexity {
    /// Minutes, no knowledge.
    Beginner,
    /// Some knowledge.
    Intermediate,
    /// An expert.
    Advanced,
}

/// What a plugin costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "snake_case", deny_unknown_fields)]
pub enum Pricing {
    /// Nothing.
    Free,
    /// Once.
    OneTime {
        /// Minor units, at least 1.
        amount: i64,
        /// Of this currency.
        currency: Currency,
    },
    /// Every interval.
    Subscription {
        /// Minor units an interval, at least 1.
        amount: i64,
        /// Of this currency.
        currency: Currency,
        /// How often.
        interval: Interval,
    },
}

impl Pricing {
    /// What is to be paid: once, or for the first interval. None when it is free.
    #[must_use]
    pub const fn price(&self) -> Option<Money> {
        match *self {
            Self::Free => None,
            Self::OneTime { amount, currency } | Self::Subscription { amount, currency, .. } => {
                Some(Money { amount, currency })
            }
        }
    }
}

/// How often a subscription is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// Every month.
    Monthly,
    /// Every year.
    Yearly,
}

/// What a license of a plugin allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Terms {
    /// On how many machines at once, at least 1.
    pub max_devices: u32,
    /// How many downloads; unlimited when absent.
    pub max_downloads: Option<u32>,
    /// What else the holder may do.
    pub permissions: Permissions,
}

impl Default for Terms {
    fn default() -> Self {
        Self { max_devices: 3, max_downloads: None, permissions: Permissions::default() }
    }
}

/// What the holder of a license may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Permissions {
    /// Download the archive.
    pub download: bool,
    /// Use it for money.
    pub commercial_use: bool,
    /// Pass it on.
    pub redistribution: bool,
    /// Change it.
    pub modification: bool,
}

impl Default for Permissions {
    fn default() -> Self {
        Self { download: true, commercial_use: true, redistribution: false, modification: false }
    }
}

/// A field that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Invalid {
    /// Name of the field as on the wire, e.g. `displayName` or `pricing.amount`.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

/// The fields of one request that were refused, at least one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(|i| format!("{}: {}", i.field, i.problem)).collect::<Vec<_>>().join("; "))]
pub struct InvalidFields(pub Vec<Invalid>);

/// The free part of a manifest: what Souk does not read.
pub type Extra = BTreeMap<String, Value>;
