//! One version of a plugin: what it is, where it stands, who signed it.

use std::{fmt, ops::Add};

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::id::VendorKeyId;

/// By which versions are compared when one is chosen: a release before any pre-release, then the higher one.
pub(super) fn rank(version: &Version) -> (bool, &Version) {
    (version.pre.is_empty(), version)
}

/// One submitted version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// SHA-256 of the archive, 64 lower-case hex digits.
    pub digest: String,
    /// Bytes of the archive.
    pub size: u64,
    /// Where it stands.
    pub status: ReleaseStatus,
    /// Whether its vendor went back to a version before it. It still installs for whoever asks for it.
    pub rolled_back: bool,
    /// The vendor's signature, if it signed.
    pub signature: Option<VendorSignature>,
}

/// A vendor's signature over the digest of an archive, found right when the version was handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VendorSignature {
    /// Which of the vendor's keys signed.
    pub key_id: VendorKeyId,
    /// That key: Ed25519, base64 of 32 bytes.
    pub public_key: String,
    /// Base64 of 64 bytes.
    pub signature: String,
}

/// What was taken out of the workflows of an archive before it was kept: ids of the author's own accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stripped {
    /// Nodes that named credentials.
    pub credentials: u32,
    /// Nodes that had a `webhookId`.
    pub webhook_ids: u32,
}

impl Add for Stripped {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            credentials: self.credentials.saturating_add(other.credentials),
            webhook_ids: self.webhook_ids.saturating_add(other.webhook_ids),
        }
    }
}

/// Where a version stands in the plugin's own stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseStatus {
    /// Waits for its verdict.
    Submitted,
    /// Can be installed.
    Approved,
    /// Does not install, unless its vendor's appeal overturns that.
    Rejected,
    /// Was approved and no longer installs.
    Yanked,
}

impl fmt::Display for ReleaseStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Submitted => "submitted",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Yanked => "yanked",
        })
    }
}

/// On whose word a version was approved or rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    /// The pipeline, by its thresholds.
    Validation,
    /// A moderator.
    Moderator,
}
