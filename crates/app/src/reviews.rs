//! Reviews.

use souk_domain::{
    id::{PluginId, ReviewId},
    review::Review,
};

use crate::{App, AppError, Context, Done, input::Secret, plugins::PluginRef};

/// What a review says.
#[derive(Clone, Debug)]
pub struct WriteReview {
    /// Stars, 1 to 5.
    pub rating: u8,
    /// Headline, 1 to 200 characters.
    pub title: Secret,
    /// Text, 1 to 10,000 characters.
    pub body: Secret,
}

/// A review that is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// Which.
    pub id: ReviewId,
    /// Of which plugin.
    pub plugin: PluginId,
    /// What it says; its texts are readable.
    pub review: Review,
}

/// Writes the caller's review, or writes it anew. `wrote` is `review.submitted` (201), `review.edited`, or none.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Invalid`, `NotEntitled` (never installed, or one's own plugin).
pub async fn put(
    _app: &App,
    _ctx: &Context,
    _plugin: &PluginRef,
    _input: WriteReview,
) -> Result<Done<Written>, AppError> {
    unimplemented!()
}

/// Takes the caller's review back.
///
/// # Errors
/// `NotFound`, `Unauthorized`.
pub async fn retract(_app: &App, _ctx: &Context, _plugin: &PluginRef) -> Result<Done<()>, AppError> {
    unimplemented!()
}

/// Reports a review to the moderators; any user.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Invalid`.
pub async fn flag(
    _app: &App,
    _ctx: &Context,
    _plugin: &PluginRef,
    _review: ReviewId,
    _reason: &str,
) -> Result<Done<()>, AppError> {
    unimplemented!()
}

/// Hides a review; moderator.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid`.
pub async fn hide(
    _app: &App,
    _ctx: &Context,
    _plugin: &PluginRef,
    _review: ReviewId,
    _reason: &str,
) -> Result<Done<Written>, AppError> {
    unimplemented!()
}

/// Shows a hidden review again; moderator.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn restore(
    _app: &App,
    _ctx: &Context,
    _plugin: &PluginRef,
    _review: ReviewId,
) -> Result<Done<Written>, AppError> {
    unimplemented!()
}

/// The vendor's answer to a review; owner of the plugin's vendor.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`, `Invalid`.
pub async fn reply(
    _app: &App,
    _ctx: &Context,
    _plugin: &PluginRef,
    _review: ReviewId,
    _body: &str,
) -> Result<Done<Written>, AppError> {
    unimplemented!()
}
