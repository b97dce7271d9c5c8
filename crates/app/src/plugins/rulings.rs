//! Versions that people decide about: a moderator's ruling, a vendor's appeal.

use std::{sync::Arc, time::Duration};

use semver::Version;
use souk_domain::{
    id::{ValidationId, VendorId},
    plugin::{self, DecidedBy, Plugin, Plugins, ReleaseStatus},
    text,
    validation::{Appeal, Command, Ruling, State, Validation, Validations, Verdict},
};

use super::{PluginRef, PluginVersion, created, fact, owned, versions::version_of};
use crate::{
    App, AppError, Context, Done,
    execute::Call,
    input::{MAX_APPEAL, MAX_REASON},
    memory::About,
    vendors,
};

/// A version that a moderator decided about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Where it stands now.
    pub version: PluginVersion,
    /// What a moderator said of it last; none where the pipeline itself had decided, and the call changed nothing.
    pub ruling: Option<Ruling>,
}

/// An appeal against a rejection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appealed {
    /// The validation that is appealed.
    pub validation: ValidationId,
    /// Of which version.
    pub version: Version,
    /// What its vendor said, and what became of it.
    pub appeal: Appeal,
}

/// A moderator lets a version be installed, or refuses it: one that the pipeline left to a human, or whose vendor appealed. No
/// moderator judges a plugin of their own.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`, `Invalid`; conflicts `validation_not_concluded`, `already_adjudicated`,
/// `not_appealed`, `appeal_open`, `validation_state`, `wrong_status`, `vendor_not_verified`.
pub async fn judge(
    app: &App,
    ctx: &Context,
    plugin: &PluginRef,
    version: &Version,
    ruling: &Ruling,
) -> Result<Done<Judged>, AppError> {
    let ctx = ctx.require_moderator()?;
    text::body("reason", &ruling.reason, MAX_REASON)?;
    let fact = fact(app, plugin, Duration::ZERO).await?;
    let plugin = created(&fact.state)?;
    impartial(app, &ctx, plugin).await?;
    let (id, about) = (ValidationId::of(plugin.id, version), About::plugin(plugin.id, plugin.vendor));
    let release = plugin.versions.get(version).ok_or(AppError::NotFound("this version"))?;
    // First the validation, which the plugin's event names. What a crash leaves between them, the reaction `verdicts` completes.
    let settled = matches!(release.status, ReleaseStatus::Approved | ReleaseStatus::Yanked);
    if ruling.verdict == Verdict::Approve && !settled && !may_publish(app, plugin.vendor).await? {
        let message = "its vendor is not verified, or suspended: nothing of it is published meanwhile";
        return Err(AppError::conflict("vendor_not_verified", message));
    }
    let (state, said) = if settled && !ruling.on_appeal {
        (app.fact::<Validations>(id.uuid(), Duration::ZERO).await?.state, None)
    } else {
        let command = Command::Adjudicate(ruling.clone());
        let done = app.execute::<Validations>(Call::on(&ctx, id.uuid(), about), command).await;
        let done = done.map_err(|error| unvalidated(error, plugin, version))?;
        (Arc::clone(&done.value), Some(done))
    };
    let known = known(&state);
    let confidence = known.and_then(|known| known.conclusion.as_ref()).map(|conclusion| conclusion.confidence);
    let command = ruled(id, version, confidence, ruling);
    let done = version_of(app.execute::<Plugins>(Call::on(&ctx, plugin.id.uuid(), about), command).await?, version)?;
    let done = match said {
        Some(said) => done.after(said),
        None => done,
    };
    let ruling = known.and_then(Validation::ruling).cloned();
    Ok(done.map(|version| Judged { version, ruling }))
}

fn known(state: &State) -> Option<&Validation> {
    match state {
        State::Requested(known) => Some(known),
        State::Absent => None,
    }
}

/// What the plugin hears of a ruling.
pub(crate) fn ruled(
    validation: ValidationId,
    version: &Version,
    confidence: Option<u8>,
    ruling: &Ruling,
) -> plugin::Command {
    let (version, by) = (version.clone(), DecidedBy::Moderator);
    if ruling.verdict == Verdict::Approve {
        plugin::Command::ApproveVersion { version, validation, confidence, by, overturns: ruling.on_appeal }
    } else {
        plugin::Command::RejectVersion { version, confidence, by, reason: ruling.reason.clone() }
    }
}

/// Whether a vendor may publish at this moment.
pub(crate) async fn may_publish(app: &App, vendor: VendorId) -> Result<bool, AppError> {
    Ok(vendors::known(app, vendor, Duration::ZERO).await?.value.may_publish())
}

/// Whoever owns a plugin's vendor does not moderate it. Admins run the marketplace, and may be alone in it.
pub(crate) async fn impartial(app: &App, ctx: &Context, plugin: &Plugin) -> Result<(), AppError> {
    let Some(caller) = ctx.actor.id.filter(|_| !ctx.is_admin()) else { return Ok(()) };
    let vendor = vendors::known(app, plugin.vendor, Duration::ZERO).await?.value;
    if vendor.owner == caller {
        Err(AppError::Forbidden("no moderator decides about a plugin of their own"))
    } else {
        Ok(())
    }
}

/// The vendor speaks against the rejection of a version; owner or admin. `reason` has 1 to 5,000 characters. A version has one
/// appeal. `wrote` is `validation.appealed` (201) or none.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`, `Invalid`; conflicts `validation_not_concluded`, `not_rejected`,
/// `already_appealed`.
pub async fn appeal(
    app: &App,
    ctx: &Context,
    plugin: &PluginRef,
    version: &Version,
    reason: &str,
) -> Result<Done<Appealed>, AppError> {
    let owned = owned(app, ctx, plugin).await?;
    text::body("reason", reason, MAX_APPEAL)?;
    let id = ValidationId::of(owned.plugin()?.id, version);
    let command = Command::Appeal { vendor: owned.vendor.id, reason: reason.to_owned() };
    let call = Call::on(&owned.ctx, id.uuid(), owned.about);
    let done = match app.execute::<Validations>(call, command).await {
        Err(error @ AppError::NotFound(_)) => {
            let fact = fact(app, plugin, Duration::ZERO).await?;
            return Err(unvalidated(error, created(&fact.state)?, version));
        }
        done => done?,
    };
    let appeal = known(&done.value).and_then(|known| known.appeal.clone());
    let appeal = appeal.ok_or_else(|| AppError::Internal("an appeal was lost".to_owned()))?;
    Ok(done.map(|_| Appealed { validation: id, version: version.clone(), appeal }))
}

/// Whether the caller may read why a vendor appeals: the plugin's vendor and moderators do.
///
/// # Errors
/// `NotFound`.
pub async fn reads_appeals(app: &App, ctx: &Context, plugin: &PluginRef) -> Result<bool, AppError> {
    if ctx.is_moderator() {
        return Ok(true);
    }
    let plugin = super::get(app, plugin).await?.value;
    let vendor = vendors::get(app, plugin.vendor).await?.value;
    Ok(ctx.actor.id == Some(vendor.owner))
}

/// A version without a validation is unknown, or waits for one.
fn unvalidated(error: AppError, plugin: &Plugin, version: &Version) -> AppError {
    match error {
        AppError::NotFound(_) if plugin.versions.contains_key(version) => {
            AppError::conflict("validation_not_concluded", "this version has not been validated yet")
        }
        AppError::NotFound(_) => AppError::NotFound("this version"),
        error => error,
    }
}
