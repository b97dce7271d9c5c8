//! Reviews.

use std::{sync::Arc, time::Duration};

use souk_domain::{
    id::{InstallationId, PluginId, ReviewId, UserId},
    installation::{self, Installations},
    personal::Personal,
    review::{Command, Rating, Review, Reviews, State},
    text::{self, Problems},
};

use crate::{
    App, AppError, Context, Done, Secret,
    execute::Call,
    input::MAX_REASON,
    memory::About,
    plugins::{self, PluginRef},
    vendors,
};

/// What a review says.
#[derive(Clone, Debug)]
pub struct WriteReview {
    /// Stars, 1 to 5.
    pub rating: u8,
    /// Headline, one line of 1 to 200 characters.
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
pub async fn put(app: &App, ctx: &Context, plugin: &PluginRef, input: WriteReview) -> Result<Done<Written>, AppError> {
    let user = ctx.require_user()?;
    let mut problems = Problems::default();
    let rating = Rating::try_from(input.rating).map_err(|problem| problems.add("rating", problem)).ok();
    problems.line("title", &input.title.0, 200);
    problems.body("body", &input.body.0, 10_000);
    let Some(rating) = problems.finish(rating)? else {
        return Err(AppError::Internal("a rating was neither taken nor refused".to_owned()));
    };
    match write(app, ctx, user, plugin, (rating, &input), app.settings.fact_age).await {
        Err(error) if error.is_refusal() => write(app, ctx, user, plugin, (rating, &input), Duration::ZERO).await,
        done => done,
    }
}

async fn write(
    app: &App,
    ctx: &Context,
    user: UserId,
    plugin: &PluginRef,
    (rating, input): (Rating, &WriteReview),
    age: Duration,
) -> Result<Done<Written>, AppError> {
    let fact = plugins::fact(app, plugin, age).await?;
    let plugin = plugins::created(&fact.state)?;
    let vendor = vendors::known(app, plugin.vendor, age).await?.value;
    let installation = app.fact::<Installations>(InstallationId::of(user, plugin.id).uuid(), age).await?;
    let installed = match &*installation.state {
        installation::State::Absent => None,
        installation::State::Installed { version, .. }
        | installation::State::Uninstalled { version }
        | installation::State::Blocked { version } => Some(version.clone()),
    };
    let command = Command::Write {
        user,
        plugin: plugin.id,
        vendor: plugin.vendor,
        rating,
        title: Personal::new(user, &input.title.0),
        body: Personal::new(user, &input.body.0),
        installed,
        own_plugin: vendor.owner == user,
    };
    let id = ReviewId::of(user, plugin.id);
    let call = Call::on(ctx, id.uuid(), About::plugin(plugin.id, plugin.vendor));
    written(app.execute::<Reviews>(call, command).await?, id, plugin.id)
}

fn written(done: Done<Arc<State>>, id: ReviewId, plugin: PluginId) -> Result<Done<Written>, AppError> {
    let State::Live(review) = &*done.value else { return Err(AppError::NotFound("this review")) };
    let value = Written { id, plugin, review: review.clone() };
    Ok(done.map(|_| value))
}

/// Takes the caller's review back.
///
/// # Errors
/// `NotFound`, `Unauthorized`.
pub async fn retract(app: &App, ctx: &Context, plugin: &PluginRef) -> Result<Done<()>, AppError> {
    let user = ctx.require_user()?;
    let (plugin, about) = about(app, plugin).await?;
    let call = Call::on(ctx, ReviewId::of(user, plugin).uuid(), about);
    Ok(app.execute::<Reviews>(call, Command::Retract).await?.map(|_| ()))
}

async fn about(app: &App, plugin: &PluginRef) -> Result<(PluginId, About), AppError> {
    let fact = plugins::fact(app, plugin, app.settings.fact_age).await?;
    let plugin = plugins::created(&fact.state)?;
    Ok((plugin.id, About::plugin(plugin.id, plugin.vendor)))
}

/// Reports a review to the moderators; any user.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Invalid`.
pub async fn flag(
    app: &App,
    ctx: &Context,
    plugin: &PluginRef,
    review: ReviewId,
    reason: &str,
) -> Result<Done<()>, AppError> {
    let user = ctx.require_user()?;
    text::body("reason", reason, MAX_REASON)?;
    let command = Command::Flag { reason: Personal::new(user, reason) };
    Ok(change(app, ctx, plugin, review, command).await?.map(|_| ()))
}

/// Hides a review; moderator.
///
/// # Errors
/// `NotFound`, `Forbidden`, `Invalid`.
pub async fn hide(
    app: &App,
    ctx: &Context,
    plugin: &PluginRef,
    review: ReviewId,
    reason: &str,
) -> Result<Done<Written>, AppError> {
    let ctx = ctx.require_moderator()?;
    text::body("reason", reason, MAX_REASON)?;
    moderate(app, &ctx, plugin, review, Command::Hide { reason: reason.to_owned() }).await
}

/// Shows a hidden review again; moderator.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn restore(
    app: &App,
    ctx: &Context,
    plugin: &PluginRef,
    review: ReviewId,
) -> Result<Done<Written>, AppError> {
    moderate(app, &ctx.require_moderator()?, plugin, review, Command::Restore).await
}

/// Lets a review stand that was reported; moderator.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn unflag(app: &App, ctx: &Context, plugin: &PluginRef, review: ReviewId) -> Result<Done<Written>, AppError> {
    moderate(app, &ctx.require_moderator()?, plugin, review, Command::Unflag).await
}

async fn moderate(
    app: &App,
    ctx: &Context,
    plugin: &PluginRef,
    review: ReviewId,
    command: Command,
) -> Result<Done<Written>, AppError> {
    let fact = plugins::fact(app, plugin, Duration::ZERO).await?;
    plugins::impartial(app, ctx, plugins::created(&fact.state)?).await?;
    change(app, ctx, plugin, review, command).await
}

/// The vendor's answer to a review, 1 to 5,000 characters; owner of the plugin's vendor, or admin.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`, `Invalid`.
pub async fn reply(
    app: &App,
    ctx: &Context,
    plugin: &PluginRef,
    review: ReviewId,
    body: &str,
) -> Result<Done<Written>, AppError> {
    let owned = plugins::owned(app, ctx, plugin).await?;
    text::body("body", body, 5_000)?;
    change(app, &owned.ctx, plugin, review, Command::Reply { body: body.to_owned() }).await
}

async fn change(
    app: &App,
    ctx: &Context,
    plugin: &PluginRef,
    review: ReviewId,
    command: Command,
) -> Result<Done<Written>, AppError> {
    let (plugin, about) = about(app, plugin).await?;
    let known = app.fact::<Reviews>(review.uuid(), app.settings.fact_age).await?;
    if known.about.plugin != Some(plugin) {
        return Err(AppError::NotFound("this review"));
    }
    let call = Call::on(ctx, review.uuid(), about);
    written(app.execute::<Reviews>(call, command).await?, review, plugin)
}
