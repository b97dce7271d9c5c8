//! Installing and taking off.

use semver::Version;
use souk_domain::id::{InstallationId, LicenseId, PluginId};

use crate::{App, AppError, Context, Done, plugins::PluginRef};

/// A plugin that the caller has installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Which.
    pub id: InstallationId,
    /// Of which plugin.
    pub plugin: PluginId,
    /// Which version.
    pub version: Version,
    /// By which right; none when it is free.
    pub license: Option<LicenseId>,
}

/// Installs a plugin for the caller, or moves to another version: `version`, else the highest approved and unyanked,
/// releases before pre-releases. `wrote` is `installation.installed`, `installation.upgraded`, or none when it was there.
///
/// # Errors
/// `NotFound` (plugin, version), `Unauthorized`, `NotEntitled`; conflicts `plugin_suspended`, `version_not_approved`.
pub async fn install(
    _app: &App,
    _ctx: &Context,
    _plugin: &PluginRef,
    _version: Option<Version>,
) -> Result<Done<Installation>, AppError> {
    unimplemented!()
}

/// Takes a plugin off.
///
/// # Errors
/// `NotFound` (plugin, installation), `Unauthorized`.
pub async fn uninstall(_app: &App, _ctx: &Context, _plugin: &PluginRef) -> Result<Done<()>, AppError> {
    unimplemented!()
}
