//! What a listing says: its details, its price, the terms of its licenses.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Months, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    money::{Currency, Money},
    text::Problems,
};

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
    /// At most 20 tags of 1 to 64 characters; none twice, whatever its case.
    pub tags: Vec<String>,
    /// SPDX expression or `NOASSERTION`, at most 200 characters.
    pub license: String,
    /// Pictures and films: at most 20 https addresses.
    #[serde(default)]
    pub media: Vec<Media>,
    /// How hard it is to set up.
    #[serde(default)]
    pub complexity: Option<Complexity>,
    /// How long it takes to set up, at most 100,000 minutes.
    #[serde(default)]
    pub setup_minutes: Option<u32>,
    /// What must be there first: at most 50 lines of 1 to 200 characters.
    #[serde(default)]
    pub requirements: Vec<String>,
}

impl Details {
    /// As many bytes as the details take as JSON, so that an event that carries them keeps within what a log takes.
    pub const MAX_BYTES: usize = 200 * 1024;

    /// These details without repeated tags, if every field is as it should be. Nothing is trimmed.
    ///
    /// # Errors
    /// Every field that was refused.
    pub fn checked(mut self) -> Result<Self, InvalidFields> {
        let mut problems = Problems::default();
        problems.line("displayName", &self.display_name, 200);
        problems.line("summary", &self.summary, 1_000);
        problems.body("description", &self.description, 50_000);
        problems.line("category", &self.category, 64);
        check_lines(&mut problems, "tags", &self.tags, 20, 64);
        if !is_license(&self.license) {
            problems.add("license", "must be an SPDX expression or NOASSERTION");
        }
        if self.media.len() > 20 {
            problems.add("media", "must have at most 20 entries");
        }
        for (index, media) in self.media.iter().enumerate().take(20) {
            media.check(&mut problems, index);
        }
        if self.setup_minutes.is_some_and(|minutes| minutes > 100_000) {
            problems.add("setupMinutes", "must be at most 100000");
        }
        check_lines(&mut problems, "requirements", &self.requirements, 50, 200);
        if serde_json::to_vec(&self).map_or(usize::MAX, |bytes| bytes.len()) > Self::MAX_BYTES {
            problems.add("description", format!("must with all other details take at most {} bytes", Self::MAX_BYTES));
        }
        let mut seen = BTreeSet::new();
        self.tags.retain(|tag| seen.insert(tag.to_lowercase()));
        problems.finish(self)
    }
}

/// Whether `text` is an SPDX license expression, spelled as the SPDX list spells it, or `NOASSERTION`. Identifiers that
/// the list has deprecated still say what they said.
#[must_use]
pub fn is_license(text: &str) -> bool {
    let mode = spdx::ParseMode { allow_deprecated: true, ..spdx::ParseMode::STRICT };
    text == "NOASSERTION" || (text.len() <= 200 && spdx::Expression::parse_mode(text, mode).is_ok())
}

fn check_lines(problems: &mut Problems, field: &str, lines: &[String], max_lines: usize, max: usize) {
    if lines.len() > max_lines {
        problems.add(field, format!("must have at most {max_lines} entries"));
    }
    for (index, line) in lines.iter().enumerate().take(max_lines) {
        problems.line(&format!("{field}[{index}]"), line, max);
    }
}

/// A picture or a film of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Media {
    /// An https address of at most 2,048 characters.
    pub url: String,
    /// A text for who cannot see it, at most 200 characters; may be empty.
    #[serde(default)]
    pub alt: String,
}

impl Media {
    fn check(&self, problems: &mut Problems, index: usize) {
        if !is_https(&self.url) {
            problems.add(format!("media[{index}].url"), "must be an https address of at most 2048 characters");
        }
        if !self.alt.is_empty() {
            problems.line(&format!("media[{index}].alt"), &self.alt, 200);
        }
    }
}

/// Whether `text` is `https://`, a host, and then only what may stand in an address. No user names: a page shows these
/// addresses, and what stands before an `@` passes for the host.
fn is_https(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://") else { return false };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    text.len() <= 2_048
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        && host.bytes().any(|b| b.is_ascii_alphanumeric())
        && port.parse::<u16>().is_ok()
        && path.bytes().all(|b| {
            b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
        })
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

/// What a plugin costs. Build it with [`Pricing::checked`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "snake_case", deny_unknown_fields)]
pub enum Pricing {
    /// Nothing.
    Free,
    /// Once.
    OneTime {
        /// Minor units, 1 to [`Pricing::MAX_AMOUNT`].
        amount: i64,
        /// Of this currency.
        currency: Currency,
    },
    /// Every interval.
    Subscription {
        /// Minor units an interval, 1 to [`Pricing::MAX_AMOUNT`].
        amount: i64,
        /// Of this currency.
        currency: Currency,
        /// How often.
        interval: Interval,
        /// Days that are free before the first payment, 1 to [`Pricing::MAX_TRIAL_DAYS`]; once a user and plugin. None when absent.
        #[serde(default, rename = "trialDays", skip_serializing_if = "Option::is_none")]
        trial_days: Option<u32>,
    },
}

impl Pricing {
    /// The highest price, minor units.
    pub const MAX_AMOUNT: i64 = 1_000_000_000_000;
    /// The longest trial, days.
    pub const MAX_TRIAL_DAYS: u32 = 365;

    /// This pricing, if its amount is as it should be.
    ///
    /// # Errors
    /// The fields `pricing.amount` and `pricing.trialDays`, those of them that were refused.
    pub fn checked(self) -> Result<Self, InvalidFields> {
        let mut problems = Problems::default();
        if self.price().is_some_and(|price| !(1..=Self::MAX_AMOUNT).contains(&price.amount)) {
            problems.add("pricing.amount", format!("must be 1 to {}", Self::MAX_AMOUNT));
        }
        if let Self::Subscription { trial_days: Some(days), .. } = self
            && !(1..=Self::MAX_TRIAL_DAYS).contains(&days)
        {
            problems.add("pricing.trialDays", format!("must be 1 to {}, or absent", Self::MAX_TRIAL_DAYS));
        }
        problems.finish(self)
    }

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

impl Interval {
    /// When an interval ends that began at `start`: on the same day of the month, or on its last one.
    #[must_use]
    pub fn end_after(self, start: DateTime<Utc>) -> DateTime<Utc> {
        let months = match self {
            Self::Monthly => Months::new(1),
            Self::Yearly => Months::new(12),
        };
        start.checked_add_months(months).unwrap_or(start)
    }
}

/// What a license of a plugin allows. Build it with [`Terms::checked`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Terms {
    /// On how many machines at once, 1 to [`Terms::MAX_DEVICES`].
    pub max_devices: u32,
    /// How many downloads, 1 to [`Terms::MAX_DOWNLOADS`]; unlimited when absent.
    pub max_downloads: Option<u32>,
    /// How many uses may be counted, 1 to [`Terms::MAX_USES`]; unlimited when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<u64>,
    /// What else the holder may do.
    pub permissions: Permissions,
}

impl Terms {
    /// The most machines at once.
    pub const MAX_DEVICES: u32 = 10_000;
    /// The most downloads, where they are limited.
    pub const MAX_DOWNLOADS: u32 = 1_000_000_000;
    /// The most uses, where they are limited.
    pub const MAX_USES: u64 = 1_000_000_000_000;

    /// These terms, if every number is as it should be.
    ///
    /// # Errors
    /// The fields `terms.maxDevices`, `terms.maxDownloads` and `terms.maxUses`, those of them that were refused.
    pub fn checked(self) -> Result<Self, InvalidFields> {
        let mut problems = Problems::default();
        if !(1..=Self::MAX_DEVICES).contains(&self.max_devices) {
            problems.add("terms.maxDevices", format!("must be 1 to {}", Self::MAX_DEVICES));
        }
        if self.max_downloads.is_some_and(|max| !(1..=Self::MAX_DOWNLOADS).contains(&max)) {
            problems.add("terms.maxDownloads", format!("must be 1 to {}, or absent", Self::MAX_DOWNLOADS));
        }
        if self.max_uses.is_some_and(|max| !(1..=Self::MAX_USES).contains(&max)) {
            problems.add("terms.maxUses", format!("must be 1 to {}, or absent", Self::MAX_USES));
        }
        problems.finish(self)
    }
}

impl Default for Terms {
    fn default() -> Self {
        Self { max_devices: 3, max_downloads: None, max_uses: None, permissions: Permissions::default() }
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

impl From<Invalid> for InvalidFields {
    fn from(invalid: Invalid) -> Self {
        Self(vec![invalid])
    }
}

/// The free part of a manifest: what Souk does not read.
pub type Extra = BTreeMap<String, Value>;

#[cfg(test)]
mod tests;
