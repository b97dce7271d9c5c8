//! Installing and taking off.

use std::time::Duration;

use semver::Version;
use souk_domain::{
    id::{InstallationId, LicenseId, PluginId, UserId},
    installation::{Checked, Command, Facts, Installations, State},
    plugin::{self, Plugin, ReleaseStatus},
};

use crate::{
    App, AppError, Context, Done,
    execute::{Call, Fact},
    licenses,
    memory::About,
    plugins::{self, PluginRef},
};

/// A plugin that the caller has installed.
#[derive(Clone, Debug)]
pub struct Installation {
    /// Which.
    pub id: InstallationId,
    /// Of which plugin.
    pub plugin: PluginId,
    /// Which version.
    pub version: Version,
    /// By which right; none when it is free.
    pub license: Option<LicenseId>,
    /// What the plugin's stream said.
    fact: Fact<plugin::State>,
}

impl Installation {
    /// What `tell` says of the plugin, which is as it was when the installation was decided.
    ///
    /// # Errors
    /// `NotFound`, which it was not then.
    pub fn tell<T>(&self, tell: impl FnOnce(&Plugin) -> T) -> Result<T, AppError> {
        plugins::created(&self.fact.state).map(tell)
    }
}

/// Installs a plugin for the caller, or moves to another version: `version`, else the highest approved and unyanked,
/// releases before pre-releases. `wrote` is `installation.installed`, `installation.upgraded`, or none when it was there.
///
/// # Errors
/// `NotFound` (plugin, version), `Unauthorized`, `NotEntitled`; conflicts `plugin_suspended`, `version_not_approved`.
pub async fn install(
    app: &App,
    ctx: &Context,
    plugin: &PluginRef,
    version: Option<Version>,
) -> Result<Done<Installation>, AppError> {
    let user = ctx.require_user()?;
    match attempt(app, ctx, user, plugin, version.as_ref(), app.settings.fact_age).await {
        Err(error) if error.is_refusal() => attempt(app, ctx, user, plugin, version.as_ref(), Duration::ZERO).await,
        done => done,
    }
}

async fn attempt(
    app: &App,
    ctx: &Context,
    user: UserId,
    plugin: &PluginRef,
    version: Option<&Version>,
    age: Duration,
) -> Result<Done<Installation>, AppError> {
    let fact = plugins::fact(app, plugin, age).await?;
    let plugin = plugins::created(&fact.state)?;
    let id = InstallationId::of(user, plugin.id);
    let version = wanted(plugin, version)?;
    let right = match plugin.pricing.price() {
        Some(_) => licenses::entitlement(app, user, plugin.id, id).await?,
        None => None,
    };
    let facts = Facts {
        plugin_suspended: plugin.suspended.is_some(),
        version_approved: plugin.versions.get(&version).is_some_and(|found| found.status == ReleaseStatus::Approved),
        paid: plugin.pricing.price().is_some(),
        license: right.map(|right| right.license),
        checked: Checked {
            plugin_version: fact.version.unwrap_or_default(),
            license_version: right.map(|right| right.version),
        },
    };
    let command = Command::Install { user, plugin: plugin.id, vendor: plugin.vendor, version: version.clone(), facts };
    let call = Call::new(ctx, id.uuid(), About::plugin(plugin.id, plugin.vendor));
    let done = app.execute::<Installations>(call, command).await?;
    let (version, license) = installed(&done.value, version);
    let plugin = plugin.id;
    Ok(done.map(|_| Installation { id, plugin, version, license, fact }))
}

fn wanted(plugin: &Plugin, version: Option<&Version>) -> Result<Version, AppError> {
    match version {
        Some(version) if plugin.versions.contains_key(version) => Ok(version.clone()),
        Some(_) => Err(AppError::NotFound("this version")),
        None if plugin.suspended.is_some() => Err(souk_domain::installation::Error::PluginSuspended.into()),
        None => plugin
            .latest()
            .cloned()
            .ok_or_else(|| AppError::conflict("version_not_approved", "this plugin has no approved version")),
    }
}

/// What is installed, and by which right; `wanted` where a repeated command finds that it is no longer.
fn installed(state: &State, wanted: Version) -> (Version, Option<LicenseId>) {
    match state {
        State::Installed { version, license } => (version.clone(), *license),
        State::Absent | State::Uninstalled { .. } | State::Blocked { .. } => (wanted, None),
    }
}

/// Takes a plugin off.
///
/// # Errors
/// `NotFound` (plugin, installation), `Unauthorized`.
pub async fn uninstall(app: &App, ctx: &Context, plugin: &PluginRef) -> Result<Done<()>, AppError> {
    let user = ctx.require_user()?;
    let fact = plugins::fact(app, plugin, app.settings.fact_age).await?;
    let plugin = plugins::created(&fact.state)?;
    let id = InstallationId::of(user, plugin.id);
    let call = Call::on(ctx, id.uuid(), About::plugin(plugin.id, plugin.vendor));
    Ok(app.execute::<Installations>(call, Command::Uninstall).await?.map(|_| ()))
}
