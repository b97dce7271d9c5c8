//! One plugin installed by one user.

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{
    decider::Decider,
    id::{LicenseId, PluginId, UserId, VendorId},
    stream::Category,
};

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
    /// It moved to another version, also to a lower one, or rests on another right.
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

impl Event {
    /// The type under which the log keeps it.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Installed { .. } => "installation.installed",
            Self::Upgraded { .. } => "installation.upgraded",
            Self::Uninstalled { .. } => "installation.uninstalled",
            Self::Blocked { .. } => "installation.blocked",
        }
    }
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

/// Decides about installations, on streams `installation-`.
pub struct Installations;

impl Decider for Installations {
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Error;

    const CATEGORY: Category = Category::Installation;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Error> {
        match command {
            Command::Install { user, plugin, vendor, version, facts } => {
                let license_id = right(&version, &facts)?;
                let checked = facts.checked;
                Ok(match state {
                    State::Installed { version: now, license } if (now, *license) == (&version, license_id) => vec![],
                    State::Installed { version: now, .. } => {
                        vec![Event::Upgraded { from_version: now.clone(), to_version: version, license_id, checked }]
                    }
                    State::Absent | State::Uninstalled { .. } | State::Blocked { .. } => vec![Event::Installed {
                        user_id: user,
                        plugin_id: plugin,
                        vendor_id: vendor,
                        version,
                        license_id,
                        first: *state == State::Absent,
                        checked,
                    }],
                })
            }
            Command::Uninstall => match state {
                State::Absent => Err(Error::NotInstalled),
                State::Installed { version, .. } => Ok(vec![Event::Uninstalled { version: version.clone() }]),
                State::Uninstalled { .. } | State::Blocked { .. } => Ok(vec![]),
            },
            Command::Block { license, reason } => Ok(match state {
                State::Installed { version, license: Some(by) } if *by == license => {
                    vec![Event::Blocked { version: version.clone(), license_id: license, reason }]
                }
                _ => vec![],
            }),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match (state, event) {
            (
                State::Absent | State::Uninstalled { .. } | State::Blocked { .. },
                Event::Installed { version, license_id, .. },
            ) => State::Installed { version: version.clone(), license: *license_id },
            (State::Installed { .. }, Event::Upgraded { to_version, license_id, .. }) => {
                State::Installed { version: to_version.clone(), license: *license_id }
            }
            (State::Installed { .. }, Event::Uninstalled { version }) => {
                State::Uninstalled { version: version.clone() }
            }
            (State::Installed { .. }, Event::Blocked { version, .. }) => State::Blocked { version: version.clone() },
            (state, _) => state,
        }
    }
}

/// By which right `version` may be installed: a license where the plugin costs something, none where it is free.
fn right(version: &Version, facts: &Facts) -> Result<Option<LicenseId>, Error> {
    if facts.plugin_suspended {
        return Err(Error::PluginSuspended);
    }
    if !facts.version_approved {
        return Err(Error::VersionNotApproved(version.clone()));
    }
    match facts.license {
        _ if !facts.paid => Ok(None),
        Some(license) => Ok(Some(license)),
        None => Err(Error::NotEntitled),
    }
}

#[cfg(test)]
mod tests;
