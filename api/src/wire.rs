//! What goes over the wire.

pub mod account;
pub mod analytics;
pub mod catalogue;
pub mod csv;
pub mod diff;
pub mod earnings;
pub mod execution;
pub mod history;
pub mod keys;
pub mod library;
pub mod moderation;
pub mod notices;
pub mod pages;
pub mod partner;
pub mod reliability;
pub mod reviews;
pub mod statement;
pub mod subscription;
pub mod vocabulary;
pub mod webhook;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::error::ApiError;

/// A page of a list.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct List<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// What to ask for as `cursor` to go on; null at the end.
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    /// A list that has one page.
    #[must_use]
    pub const fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }

    /// The list of what `items` become.
    pub fn of<U: Into<T>>(items: Vec<U>, next_cursor: Option<String>) -> Self {
        Self { items: items.into_iter().map(Into::into).collect(), next_cursor }
    }
}

/// Which page of a list is wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// `nextCursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
    /// How many, 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: Option<u32>,
}

/// How many items are wanted.
///
/// # Errors
/// 422: not 1 to 100.
pub fn limit(limit: Option<u32>) -> Result<u32, ApiError> {
    match limit.unwrap_or(20) {
        limit @ 1..=100 => Ok(limit),
        _ => Err(ApiError::invalid_field("limit", "must be 1 to 100")),
    }
}

/// A body that gives a reason.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Reason {
    /// Why, 1 to 1,000 characters.
    pub reason: String,
}

/// A body that may give a reason; it may be left out as a whole.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct MaybeReason {
    /// Why, 1 to 1,000 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

impl MaybeReason {
    /// The reason, or that there is none: what is recorded always says one.
    #[must_use]
    pub fn text(&self) -> &str {
        self.reason.as_deref().unwrap_or("no reason given")
    }
}
