//! A listed asset: its description, its price and its versions.

mod created;
mod decide;
mod release;

use std::collections::BTreeMap;

use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use decide::Plugins;
pub use release::{DecidedBy, Release, ReleaseStatus, Stripped, VendorSignature};

use self::{created::created, release::rank};
use crate::{
    id::{PluginId, ValidationId, VendorId},
    listing::{Details, Pricing, Terms},
};

/// A plugin as its events tell it.
#[derive(Clone, Debug, Default)]
pub enum State {
    /// Never created.
    #[default]
    Absent,
    /// Its name was reserved, but it never came to be; closed for good.
    Abandoned,
    /// Created.
    Created(Box<Plugin>),
}

/// A created plugin.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// Which.
    pub id: PluginId,
    /// Whose.
    pub vendor: VendorId,
    /// Its unique name as spelled by its maker.
    pub name: String,
    /// What it is and what it says of itself.
    pub details: Details,
    /// What it costs.
    pub pricing: Pricing,
    /// What a license of it allows.
    pub terms: Terms,
    /// Every version ever submitted.
    pub versions: BTreeMap<Version, Release>,
    /// Why it is suspended, if it is.
    pub suspended: Option<String>,
    /// What its maker says of its end, if it is deprecated.
    pub deprecated: Option<String>,
}

impl Plugin {
    /// The version that a new installation gets: the highest that is approved, not yanked and not rolled back, a release
    /// before any pre-release.
    #[must_use]
    pub fn latest(&self) -> Option<&Version> {
        self.versions
            .iter()
            .filter(|(_, release)| release.status == ReleaseStatus::Approved && !release.rolled_back)
            .map(|(version, _)| version)
            .max_by_key(|version| rank(version))
    }

    /// Makes `target` the latest of what is approved by now. What is approved later is not concerned.
    fn roll_back(&mut self, target: &Version) {
        for (version, release) in &mut self.versions {
            release.rolled_back = release.status == ReleaseStatus::Approved && rank(version) > rank(target);
        }
    }

    fn release(&self, version: &Version) -> Result<&Release, Error> {
        self.versions.get(version).ok_or_else(|| Error::UnknownVersion(version.clone()))
    }

    fn set_status(&mut self, version: &Version, status: ReleaseStatus) {
        if let Some(release) = self.versions.get_mut(version) {
            release.status = status;
        }
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Described { details } => self.details = Details::clone(details),
            Event::Priced { pricing, terms, .. } => {
                self.pricing = pricing.clone();
                self.terms = terms.clone();
            }
            Event::VersionSubmitted { version, digest, size, signature, .. } => {
                let release = Release {
                    digest: digest.clone(),
                    size: *size,
                    status: ReleaseStatus::Submitted,
                    rolled_back: false,
                    signature: signature.clone(),
                };
                self.versions.insert(version.clone(), release);
            }
            Event::VersionApproved { version, .. } => self.set_status(version, ReleaseStatus::Approved),
            Event::VersionRejected { version, .. } => self.set_status(version, ReleaseStatus::Rejected),
            Event::VersionYanked { version, .. } => self.set_status(version, ReleaseStatus::Yanked),
            Event::RolledBack { version, .. } => self.roll_back(version),
            Event::Suspended { reason } => self.suspended = Some(reason.clone()),
            Event::Reinstated {} => self.suspended = None,
            Event::Deprecated { message } => self.deprecated = Some(message.clone()),
            Event::Transferred { to_vendor_id, .. } => self.vendor = *to_vendor_id,
            Event::Created { .. } | Event::Abandoned {} => {}
        }
    }
}

/// What can be asked of a plugin.
#[derive(Clone, Debug)]
pub enum Command {
    /// List it.
    Create {
        /// Which.
        id: PluginId,
        /// Whose.
        vendor: VendorId,
        /// Its unique name, already reserved.
        name: String,
        /// What it is.
        details: Box<Details>,
        /// What it costs.
        pricing: Pricing,
        /// What a license of it allows.
        terms: Terms,
    },
    /// Say something else of it.
    Describe {
        /// All of the details, changed or not.
        details: Box<Details>,
    },
    /// Change what it costs or what a license allows; orders already placed keep theirs.
    Price {
        /// The new price.
        pricing: Pricing,
        /// The new terms.
        terms: Terms,
    },
    /// Hand in a version.
    SubmitVersion {
        /// Greater than every version before.
        version: Version,
        /// SHA-256 of the archive.
        digest: String,
        /// Bytes of the archive.
        size: u64,
        /// The manifest that came with it.
        manifest: Value,
        /// The vendor's signature, checked.
        signature: Option<VendorSignature>,
        /// What was taken out of it, if anything.
        stripped: Option<Stripped>,
        /// Whether its vendor is verified and not suspended, as its stream said.
        vendor_may_publish: bool,
    },
    /// Let a version be installed; only after a concluded validation or a human verdict.
    ApproveVersion {
        /// Which.
        version: Version,
        /// The validation that speaks for it.
        validation: ValidationId,
        /// Its confidence, 0 to 100.
        confidence: Option<u8>,
        /// On whose word.
        by: DecidedBy,
        /// Whether a moderator overturned the version's rejection: nothing else brings back what was rejected.
        overturns: bool,
    },
    /// Refuse a version.
    RejectVersion {
        /// Which.
        version: Version,
        /// Its confidence, 0 to 100.
        confidence: Option<u8>,
        /// On whose word.
        by: DecidedBy,
        /// Why.
        reason: String,
    },
    /// Take a version back.
    YankVersion {
        /// Which.
        version: Version,
        /// Why.
        reason: String,
    },
    /// Let new installations get an approved version before the current one.
    RollBack {
        /// Which.
        version: Version,
        /// Why.
        reason: String,
    },
    /// Take the plugin out of the shop.
    Suspend {
        /// Why.
        reason: String,
    },
    /// Put it back.
    Reinstate,
    /// Announce its end.
    Deprecate {
        /// What users should do.
        message: String,
    },
    /// Give it to another vendor.
    Transfer {
        /// To whom.
        vendor: VendorId,
    },
    /// Close a stream that never began, so that its reservation can be released.
    Abandon,
}

/// What happens to a plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// It was listed.
    #[serde(rename = "plugin.created", rename_all = "camelCase", deserialize_with = "created")]
    Created {
        /// Which.
        plugin_id: PluginId,
        /// Whose.
        vendor_id: VendorId,
        /// Its unique name as spelled by its maker.
        name: String,
        /// What it is.
        #[serde(flatten)]
        details: Box<Details>,
        /// What it costs.
        pricing: Pricing,
        /// What a license allows.
        terms: Terms,
    },
    /// Its details changed; all of them are given.
    #[serde(rename = "plugin.described", rename_all = "camelCase")]
    Described {
        /// What it is now.
        #[serde(flatten)]
        details: Box<Details>,
    },
    /// Its price or terms changed.
    #[serde(rename = "plugin.priced", rename_all = "camelCase")]
    Priced {
        /// The new price.
        pricing: Pricing,
        /// The new terms.
        terms: Terms,
        /// The price until now.
        previous_pricing: Pricing,
        /// The terms until now.
        previous_terms: Terms,
    },
    /// A version was handed in.
    #[serde(rename = "plugin.version_submitted", rename_all = "camelCase")]
    VersionSubmitted {
        /// Which.
        version: Version,
        /// SHA-256 of the archive.
        digest: String,
        /// Bytes of the archive.
        size: u64,
        /// The manifest that came with it.
        manifest: Value,
        /// The vendor's signature; since the second version of this shape.
        signature: Option<VendorSignature>,
        /// What was taken out of the archive before it was kept; since the third version of this shape.
        stripped: Option<Stripped>,
    },
    /// A version can be installed.
    #[serde(rename = "plugin.version_approved", rename_all = "camelCase")]
    VersionApproved {
        /// Which.
        version: Version,
        /// SHA-256 of the archive.
        digest: String,
        /// The validation that speaks for it.
        validation_id: ValidationId,
        /// 0 to 100.
        confidence: Option<u8>,
        /// On whose word.
        by: DecidedBy,
        /// The version that new installations got until now.
        previous_version: Option<Version>,
    },
    /// A version does not install.
    #[serde(rename = "plugin.version_rejected", rename_all = "camelCase")]
    VersionRejected {
        /// Which.
        version: Version,
        /// 0 to 100.
        confidence: Option<u8>,
        /// On whose word.
        by: DecidedBy,
        /// Why.
        reason: String,
    },
    /// A version no longer installs.
    #[serde(rename = "plugin.version_yanked", rename_all = "camelCase")]
    VersionYanked {
        /// Which.
        version: Version,
        /// Why.
        reason: String,
    },
    /// New installations get another version, until a higher one is approved.
    #[serde(rename = "plugin.rolled_back", rename_all = "camelCase")]
    RolledBack {
        /// Which they get now.
        version: Version,
        /// Which they got until now.
        from_version: Option<Version>,
        /// Why.
        reason: String,
    },
    /// It left the shop.
    #[serde(rename = "plugin.suspended", rename_all = "camelCase")]
    Suspended {
        /// Why.
        reason: String,
    },
    /// It is back.
    #[serde(rename = "plugin.reinstated")]
    Reinstated {},
    /// Its end was announced.
    #[serde(rename = "plugin.deprecated", rename_all = "camelCase")]
    Deprecated {
        /// What users should do.
        message: String,
    },
    /// It belongs to another vendor.
    #[serde(rename = "plugin.transferred", rename_all = "camelCase")]
    Transferred {
        /// Whose it was.
        from_vendor_id: VendorId,
        /// Whose it is.
        to_vendor_id: VendorId,
    },
    /// The stream was closed before it began.
    #[serde(rename = "plugin.abandoned")]
    Abandoned {},
}

impl Event {
    /// The type under which the log keeps it.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Created { .. } => "plugin.created",
            Self::Described { .. } => "plugin.described",
            Self::Priced { .. } => "plugin.priced",
            Self::VersionSubmitted { .. } => "plugin.version_submitted",
            Self::VersionApproved { .. } => "plugin.version_approved",
            Self::VersionRejected { .. } => "plugin.version_rejected",
            Self::VersionYanked { .. } => "plugin.version_yanked",
            Self::RolledBack { .. } => "plugin.rolled_back",
            Self::Suspended { .. } => "plugin.suspended",
            Self::Reinstated { .. } => "plugin.reinstated",
            Self::Deprecated { .. } => "plugin.deprecated",
            Self::Transferred { .. } => "plugin.transferred",
            Self::Abandoned { .. } => "plugin.abandoned",
        }
    }
}

/// Why a plugin refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// This id is in use.
    #[error("this plugin exists already")]
    AlreadyCreated,
    /// No such plugin.
    #[error("this plugin does not exist")]
    NotCreated,
    /// The stream was closed before the plugin came to be.
    #[error("this creation was abandoned; create the plugin again")]
    Abandoned,
    /// The vendor is not verified, or is suspended.
    #[error("only a verified vendor publishes")]
    VendorMayNotPublish,
    /// The version is not greater than the greatest one.
    #[error("version {submitted} is not greater than {greatest}")]
    VersionNotIncreasing {
        /// What was handed in.
        submitted: Version,
        /// The greatest so far.
        greatest: Version,
    },
    /// The version exists with other bytes.
    #[error("version {0} exists already with another digest; digests never change")]
    DigestChanged(Version),
    /// No such version.
    #[error("version {0} does not exist")]
    UnknownVersion(Version),
    /// The version's state forbids it.
    #[error("version {version} is {status} and cannot be {wanted}")]
    WrongStatus {
        /// Which.
        version: Version,
        /// Where it stands.
        status: ReleaseStatus,
        /// What was asked: `approved`, `rejected`, `yanked` or `rolled back to`.
        wanted: &'static str,
    },
    /// New installations get this version already.
    #[error("version {0} is the current one already")]
    AlreadyCurrent(Version),
    /// Nothing speaks for the version: neither a concluded validation of it nor a person.
    #[error("version {0} has no concluded validation")]
    NotValidated(Version),
    /// The kind of a plugin never changes.
    #[error("the kind of a plugin never changes")]
    KindChanged,
}

#[cfg(test)]
mod tests;
