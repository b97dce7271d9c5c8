//! One user fetching one version's archive.

use chrono::{DateTime, Utc};
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{
    decider::Decider,
    id::{DownloadId, LicenseId, PluginId, UserId, VendorId},
    stream::Category,
};

/// A download as its events tell it.
#[derive(Clone, Debug, Default)]
pub enum State {
    /// Never begun.
    #[default]
    Absent,
    /// Begun.
    Initiated(Download),
}

/// A download that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// Which.
    pub id: DownloadId,
    /// Who.
    pub user: UserId,
    /// Of what.
    pub plugin: PluginId,
    /// From whom.
    pub vendor: VendorId,
    /// Which version.
    pub version: Version,
    /// SHA-256 of the archive, hex.
    pub digest: String,
    /// Bytes of the archive.
    pub size: u64,
    /// Until when it may be fetched.
    pub expires_at: DateTime<Utc>,
    /// Whether all of it was fetched.
    pub completed: bool,
}

/// What can be asked of a download.
#[derive(Clone, Debug)]
pub enum Command {
    /// Begin it.
    Initiate {
        /// What.
        download: Download,
        /// By which license; none for a free plugin.
        license: Option<LicenseId>,
    },
    /// All of it was fetched.
    Complete,
}

/// What happens to a download.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// It was begun: counted, and an address was given out.
    #[serde(rename = "download.initiated", rename_all = "camelCase")]
    Initiated {
        /// Which.
        download_id: DownloadId,
        /// Who.
        user_id: UserId,
        /// Of what.
        plugin_id: PluginId,
        /// From whom.
        vendor_id: VendorId,
        /// Which version.
        version: Version,
        /// SHA-256 of the archive, hex.
        digest: String,
        /// Bytes of the archive.
        size: u64,
        /// By which license; none for a free plugin.
        license_id: Option<LicenseId>,
        /// Until when it may be fetched.
        expires_at: DateTime<Utc>,
    },
    /// All of it was fetched.
    #[serde(rename = "download.completed")]
    Completed {},
}

impl Event {
    /// The type under which the log keeps it.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Initiated { .. } => "download.initiated",
            Self::Completed {} => "download.completed",
        }
    }
}

/// Why a download refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No such download.
    #[error("this download was never begun")]
    NotInitiated,
}

/// Decides about downloads, on streams `download-`.
pub struct Downloads;

impl Decider for Downloads {
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Error;

    const CATEGORY: Category = Category::Download;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Error> {
        Ok(match (state, command) {
            (State::Absent, Command::Initiate { download, license }) => {
                let Download { id, user, plugin, vendor, version, digest, size, expires_at, completed: _ } = download;
                vec![Event::Initiated {
                    download_id: id,
                    user_id: user,
                    plugin_id: plugin,
                    vendor_id: vendor,
                    version,
                    digest,
                    size,
                    license_id: license,
                    expires_at,
                }]
            }
            (State::Absent, Command::Complete) => return Err(Error::NotInitiated),
            (State::Initiated(_), Command::Initiate { .. }) => vec![],
            (State::Initiated(known), Command::Complete) if known.completed => vec![],
            (State::Initiated(_), Command::Complete) => vec![Event::Completed {}],
        })
    }

    fn evolve(state: State, event: &Event) -> State {
        match (state, event) {
            (
                State::Absent,
                Event::Initiated {
                    download_id, user_id, plugin_id, vendor_id, version, digest, size, expires_at, ..
                },
            ) => State::Initiated(Download {
                id: *download_id,
                user: *user_id,
                plugin: *plugin_id,
                vendor: *vendor_id,
                version: version.clone(),
                digest: digest.clone(),
                size: *size,
                expires_at: *expires_at,
                completed: false,
            }),
            (State::Initiated(mut known), Event::Completed {}) => {
                known.completed = true;
                State::Initiated(known)
            }
            (state, _) => state,
        }
    }
}

#[cfg(test)]
mod tests;
