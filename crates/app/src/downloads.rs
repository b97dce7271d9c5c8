//! Fetching archives.
//!
//! Whoever may have an archive gets an address that is good for a short while, and signed: it is good without signing in, so that any tool
//! fetches it, in as many parts as it likes. What is counted is the address and not the bytes.

use std::{ops::Range, time::Duration};

use chrono::{DateTime, SubsecRound, Utc};
use hmac::{Hmac, KeyInit, Mac};
use semver::Version;
use sha2::Sha256;
use souk_domain::{
    download::{Command, Download, Downloads, State},
    id::{DownloadId, InstallationId, LicenseId, UserId},
    installation::{self, Installations},
    license::{self, Licenses, Purpose},
    plugin::{Plugin, ReleaseStatus},
};
use souk_ports::{ArtifactChunks, ArtifactError};

use crate::{
    App, AppError, Context, Done,
    execute::Call,
    licenses,
    memory::About,
    plugins::{self, PluginRef},
    vendors,
};

/// How long an address is good.
const GOOD_FOR: Duration = Duration::from_secs(15 * 60);

/// A download that was begun, and what its address carries.
#[derive(Clone, Debug)]
pub struct Started {
    /// What is fetched.
    pub download: Download,
    /// The plugin's unique name.
    pub plugin_name: String,
    /// Hex of the seal that the address carries.
    pub signature: String,
}

/// Begins a download for the caller: of an approved version, or of a yanked one that they have installed. A paid plugin takes a license whose
/// terms have downloads left; its vendor and admins need none.
///
/// # Errors
/// `NotFound` (plugin, version), `Unauthorized`, `NotEntitled`; conflicts `plugin_suspended`, `version_not_approved`,
/// `downloads_exhausted`, `license_not_active`, `license_expired`.
pub async fn start(app: &App, ctx: &Context, plugin: &PluginRef, version: &Version) -> Result<Done<Started>, AppError> {
    let user = ctx.require_user()?;
    let fact = plugins::fact(app, plugin, Duration::ZERO).await?;
    let plugin = plugins::created(&fact.state)?;
    let release = plugin.versions.get(version).ok_or(AppError::NotFound("this version"))?;
    let own = vendors::acting_for(ctx, &vendors::get(app, plugin.vendor).await?.value).is_ok();
    if !own {
        allowed(app, user, plugin, version, release.status).await?;
    }
    let license = match plugin.pricing.price() {
        Some(_) if !own => Some(count(app, ctx, user, plugin).await?),
        _ => None,
    };
    let id = DownloadId::of(ctx.command);
    let now = app.ports.clock.now().trunc_subsecs(0);
    let download = Download {
        id,
        user,
        plugin: plugin.id,
        vendor: plugin.vendor,
        version: version.clone(),
        digest: release.digest.clone(),
        size: release.size,
        expires_at: now + GOOD_FOR,
        completed: false,
    };
    let call = Call::new(ctx, id.uuid(), About::plugin(plugin.id, plugin.vendor));
    let done = app.execute::<Downloads>(call, Command::Initiate { download, license }).await?;
    let State::Initiated(download) = &*done.value else { return Err(AppError::NotFound("this download")) };
    let signature = hex::encode(seal(app, id, download.expires_at).finalize().into_bytes());
    let started = Started { download: download.clone(), plugin_name: plugin.name.clone(), signature };
    Ok(done.map(|_| started))
}

async fn allowed(
    app: &App,
    user: UserId,
    plugin: &Plugin,
    version: &Version,
    status: ReleaseStatus,
) -> Result<(), AppError> {
    if plugin.suspended.is_some() {
        return Err(installation::Error::PluginSuspended.into());
    }
    let refused = installation::Error::VersionNotApproved(version.clone());
    match status {
        ReleaseStatus::Approved => Ok(()),
        ReleaseStatus::Submitted | ReleaseStatus::Rejected => Err(refused.into()),
        ReleaseStatus::Yanked => {
            let id = InstallationId::of(user, plugin.id);
            let known = app.fact::<Installations>(id.uuid(), Duration::ZERO).await?;
            let has = matches!(&*known.state, installation::State::Installed { version: has, .. } if has == version);
            if has { Ok(()) } else { Err(refused.into()) }
        }
    }
}

/// Counts one download of a license of `user`, and says of which. The license's own stream decides, so that however many ask at
/// once, there is never one too many.
async fn count(app: &App, ctx: &Context, user: UserId, plugin: &Plugin) -> Result<LicenseId, AppError> {
    let installation = InstallationId::of(user, plugin.id);
    let right = licenses::entitlement(app, user, plugin.id, installation).await?;
    let Some(right) = right else { return Err(installation::Error::NotEntitled.into()) };
    let ctx = ctx.step("count");
    let call = Call::on(&ctx, right.license.uuid(), About::plugin(plugin.id, plugin.vendor));
    let now = app.ports.clock.now().trunc_subsecs(6);
    let command = license::Command::Use { purpose: Purpose::Download, amount: 1, now };
    app.execute::<Licenses>(call, command).await?;
    Ok(right.license)
}

fn seal(app: &App, id: DownloadId, expires_at: DateTime<Utc>) -> Hmac<Sha256> {
    let secret = app.ports.vault.derived_secret("download-address");
    let mut block = [0; 64];
    block[..32].copy_from_slice(&secret);
    Hmac::<Sha256>::new(&block.into()).chain_update(format!("{id}\n{}", expires_at.timestamp()))
}

/// What an address is for, if Souk gave it out and it is still good.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn find(app: &App, id: DownloadId, expires: i64, signature: &str) -> Result<Download, AppError> {
    let forged = AppError::Forbidden("this address was not given out by Souk");
    let at = DateTime::from_timestamp(expires, 0).ok_or_else(|| forged.clone())?;
    let given = hex::decode(signature).map_err(|_| forged.clone())?;
    seal(app, id, at).verify_slice(&given).map_err(|_| forged)?;
    if at <= app.ports.clock.now() {
        return Err(AppError::Forbidden("this address is no longer good; ask for another"));
    }
    // What was begun stays as it is.
    let fact = app.fact::<Downloads>(id.uuid(), Duration::MAX).await?;
    match &*fact.state {
        State::Initiated(download) => Ok(download.clone()),
        State::Absent => Err(AppError::NotFound("this download")),
    }
}

/// The bytes `range` of what is fetched.
///
/// # Errors
/// `Unavailable`, `Internal`: the artifact store.
pub async fn read(app: &App, download: &Download, range: Range<u64>) -> Result<ArtifactChunks, AppError> {
    // Of an archive that grew, all that there should be is a part, which nobody checks.
    if range == (0..download.size) && app.ports.artifacts.size(&download.digest).await? != download.size {
        return Err(ArtifactError::Damaged(download.digest.clone()).into());
    }
    Ok(app.ports.artifacts.read(&download.digest, range).await?)
}

/// Records that everything was fetched.
///
/// # Errors
/// `Unavailable`.
pub async fn complete(app: &App, download: &Download) -> Result<(), AppError> {
    if download.completed {
        return Ok(());
    }
    let command = souk_domain::id::CommandId::derived(&["download completed", &download.id.to_string()]);
    let ctx = Context::system(command);
    let call = Call::on(&ctx, download.id.uuid(), About::plugin(download.plugin, download.vendor));
    app.execute::<Downloads>(call, Command::Complete).await.map(|_| ())
}
