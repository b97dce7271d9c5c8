//! One plugin installed by one user.

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::id::{LicenseId, PluginId, UserId, VendorId};

/// An installation as its events tell it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum State {
    /// Never installed.
    #[default]
    Absent,
    /// Installed.
    Installed {
        /// This version.
        version: Version,
        /// By this right; none for a free plugin.
        license: Option<LicenseId>,
    },
    /// Was installed; the user took it off.
    Uninstalled {
        /// The last version.
        version: Version,
    },
    /// Was installed; the right to it is gone.
    Blocked {
        /// The last version.
        version: Version,
    },
}

/// What other streams said when the command was given. They are stale the moment they are read, so the event
/// records at which stream versions they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Whether the plugin is suspended.
    pub plugin_suspended: bool,
    /// Whether the wanted version is approved and not yanked.
    pub version_approved: bool,
    /// Whether the plugin costs something.
    pub paid: bool,
    /// An active license of the user, if there is one.
    pub license: Option<LicenseId>,
    /// At which versions the streams were.
    pub checked: Checked,
}

/// At which versions other streams were when a command was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// The plugin's stream.
    pub plugin_version: u64,
    /// The license's stream, where one was needed.
    pub license_version: Option<u64>,
}

/// What can be asked of an installation.
#[derive(Clone, Debug)]
pub enum Command {
    /// Install, or move to this version.
    Install {
        /// Who.
        user: UserId,
        /// What.
        plugin: PluginId,
        /// Whose.
        vendor: VendorId,
        /// Which version.
        version: Version,
        /// What other streams said.
        facts: Facts,
    },
    /// Take it off.
    Uninstall,
    /// The right to it is gone.
    Block {
        /// The license that ended; an installation by another right stays.
        license: LicenseId,
        /// Why.
        reason: String,
    },
}

/// What happens to an installation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// It was installed, also again.
    #[serde(rename = "installation.installed", rename_all = "camelCase")]
    Installed {
        /// Who.
        user_id: UserId,
        /// What.
        plugin_id: PluginId,
        /// Whose.
        vendor_id: VendorId,
        /// Which version.
        version: Version,
        /// By which right.
        license_id: Option<LicenseId>,
        /// Whether this user had never installed it before.
        first: bool,
        /// What was checked.
        checked: Checked,
    },
    /// It moved to another version.
    #[serde(rename = "installation.upgraded", rename_all = "camelCase")]
    Upgraded {
        /// Until now.
        from_version: Version,
        /// From now on.
        to_version: Version,
        /// By which right.
        license_id: Option<LicenseId>,
        /// What was checked.
        checked: Checked,
    },
    /// The user took it off.
    #[serde(rename = "installation.uninstalled", rename_all = "camelCase")]
    Uninstalled {
        /// The last version.
        version: Version,
    },
    /// The right to it is gone.
    #[serde(rename = "installation.blocked", rename_all = "camelCase")]
    Blocked {
        /// The last version.
        version: Version,
        /// The license that ended.
        license_id: LicenseId,
        /// Why.
        reason: String,
    },
}

/// Why an installation refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The plugin is out of the shop.
    #[error("this plugin is suspended")]
    PluginSuspended,
    /// The version is not approved, or was yanked.
    #[error("version {0} is not approved")]
    VersionNotApproved(Version),
    /// A paid plugin needs an active license.
    #[error("this plugin needs an active license")]
    NotEntitled,
    /// Nothing to take off.
    #[error("this plugin is not installed")]
    NotInstalled,
}
