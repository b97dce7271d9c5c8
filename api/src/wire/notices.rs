//! What persons are told, and the mails of it.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use souk_ports::{
    Notice,
    notice::{Behind, Category, Choice, MailState, Mailing, Preferences},
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;

/// What somebody may want to hear of or not.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes a type of the ports")]
pub enum NotificationCategory {
    /// Receipts, refunds, subscriptions.
    Orders,
    /// Licenses of one's own.
    Licenses,
    /// Reviews of one's plugins, and answers to one's own.
    Reviews,
    /// Versions and vendors of one's own.
    Publishing,
    /// Payouts and disputes.
    Payouts,
    /// New versions of what one has installed.
    Updates,
    /// API keys, roles, and suspended plugins that one has installed.
    Security,
}

/// Something that a person is told.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// Which.
    pub id: Uuid,
    /// What it is about, e.g. `orderPaid`.
    #[schema(example = "orderPaid")]
    pub kind: &'static str,
    /// What it belongs to.
    #[schema(value_type = NotificationCategory)]
    pub category: Category,
    /// Ids, names of plugins and vendors, and amounts, by the kind.
    #[schema(value_type = Object)]
    pub details: Value,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Whether it was read.
    pub read: bool,
}

impl From<Notice> for Notification {
    fn from(notice: Notice) -> Self {
        Self {
            id: notice.id,
            kind: notice.kind.as_str(),
            category: notice.kind.category(),
            details: notice.details,
            at: notice.at,
            read: notice.read,
        }
    }
}

/// A page of an inbox.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationList {
    /// What is on it, the newest first.
    pub items: Vec<Notification>,
    /// What to ask for as `cursor` to go on; null at the end.
    pub next_cursor: Option<String>,
    /// How many are unread, on this page or not.
    pub unread: u64,
}

/// How somebody hears of one category.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationPreference {
    /// Which.
    #[schema(value_type = NotificationCategory)]
    pub category: Category,
    /// Whether the inbox shows it.
    pub in_app: bool,
    /// Whether it is mailed. Kinds in `alwaysMailed` are mailed whatever this says.
    pub email: bool,
    /// Kinds of it that are mailed always: receipts, and what is dangerous not to know.
    pub always_mailed: Vec<&'static str>,
    /// Whether `email` can be false: not where all kinds are mailed always.
    pub email_can_end: bool,
}

/// How somebody hears of things.
#[derive(Serialize, ToSchema)]
pub struct NotificationPreferences {
    /// Every category.
    pub items: Vec<NotificationPreference>,
}

impl From<Preferences> for NotificationPreferences {
    fn from(preferences: Preferences) -> Self {
        let item = |category: Category| {
            let Choice { in_app, email } = preferences.of(category);
            NotificationPreference {
                category,
                in_app,
                email,
                always_mailed: category.binding().map(souk_ports::notice::Kind::as_str).collect(),
                email_can_end: category.can_be_ended(),
            }
        };
        Self { items: Category::ALL.into_iter().map(item).collect() }
    }
}

/// A choice for one category.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreferenceChoice {
    /// Which.
    #[schema(value_type = NotificationCategory)]
    pub category: Category,
    /// Whether the inbox shows it.
    pub in_app: bool,
    /// Whether it is mailed.
    pub email: bool,
}

/// Choices; categories that are not named stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PreferenceChoices {
    /// Each category once.
    pub items: Vec<PreferenceChoice>,
}

impl PreferenceChoices {
    /// The choices by category.
    ///
    /// # Errors
    /// 422: a category is named twice.
    pub fn preferences(self) -> Result<Preferences, ApiError> {
        let mut chosen = BTreeMap::new();
        for (index, PreferenceChoice { category, in_app, email }) in self.items.into_iter().enumerate() {
            if chosen.insert(category, Choice { in_app, email }).is_some() {
                return Err(ApiError::invalid_field(format!("items[{index}].category"), "is named twice"));
            }
        }
        Ok(Preferences(chosen))
    }
}

/// How many were unread.
#[derive(Serialize, ToSchema)]
pub struct MarkedRead {
    /// How many were marked now.
    pub marked: u64,
}

/// Where a mail stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailStanding {
    /// To be sent, perhaps once more.
    Waiting,
    /// The server took it.
    Sent,
    /// Given up.
    Failed,
    /// Not wanted any more.
    Dropped,
}

impl From<MailStanding> for MailState {
    fn from(state: MailStanding) -> Self {
        match state {
            MailStanding::Waiting => Self::Waiting,
            MailStanding::Sent => Self::Sent,
            MailStanding::Failed => Self::Failed,
            MailStanding::Dropped => Self::Dropped,
        }
    }
}

impl From<MailState> for MailStanding {
    fn from(state: MailState) -> Self {
        match state {
            MailState::Waiting => Self::Waiting,
            MailState::Sent => Self::Sent,
            MailState::Failed => Self::Failed,
            MailState::Dropped => Self::Dropped,
        }
    }
}

/// A mail, without its address and its text.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MailRow {
    /// Which; its `Message-ID` begins with it.
    pub id: Uuid,
    /// To whom.
    pub user_id: Uuid,
    /// What about, e.g. `orderPaid`.
    #[schema(example = "orderPaid")]
    pub kind: &'static str,
    /// Where it stands.
    pub state: MailStanding,
    /// How often it was tried.
    pub attempts: u32,
    /// Since when it is there.
    pub queued_at: DateTime<Utc>,
    /// When it is tried next; null unless it waits.
    pub due_at: Option<DateTime<Utc>>,
    /// What the last try failed with: the server's codes, or what the network said.
    #[schema(example = "550 5.1.1")]
    pub problem: Option<String>,
}

impl From<Mailing> for MailRow {
    fn from(mail: Mailing) -> Self {
        Self {
            id: mail.id,
            user_id: mail.user.uuid(),
            kind: mail.kind.as_str(),
            state: mail.state.into(),
            attempts: mail.attempts,
            queued_at: mail.queued_at,
            due_at: (mail.state == MailState::Waiting).then_some(mail.due_at),
            problem: mail.problem,
        }
    }
}

/// The place behind a row, as an opaque text.
#[must_use]
pub fn cursor(behind: Behind) -> Option<String> {
    behind.map(|(at, id)| format!("{}_{}", at.to_rfc3339_opts(SecondsFormat::Micros, true), id.simple()))
}

/// The place that a text names.
///
/// # Errors
/// 422: it is none.
pub fn behind(cursor: Option<&str>) -> Result<Behind, ApiError> {
    let Some(text) = cursor else { return Ok(None) };
    let place = text.split_once('_').and_then(|(at, id)| Some((at.parse().ok()?, Uuid::try_parse(id).ok()?)));
    place.map(Some).ok_or_else(|| ApiError::invalid_field("cursor", "is no cursor of this list"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_place() {
        let place = Some(("2026-11-21T09:00:00.250001Z".parse().unwrap(), Uuid::from_u128(7)));
        assert_eq!(behind(cursor(place).as_deref()).unwrap(), place);
        assert_eq!(behind(None).unwrap(), None);
        assert!(behind(Some("nonsense")).is_err() && behind(Some("2026_x")).is_err());
    }
}
