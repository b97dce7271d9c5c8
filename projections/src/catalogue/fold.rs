//! What events change in the catalogue.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use semver::{Prerelease, Version};
use serde::Serialize;
use souk_domain::{
    download,
    event::DomainEvent,
    installation,
    listing::{Details, Pricing, Terms},
    plugin, validation, vendor,
};
use souk_projector::Envelope;
use uuid::Uuid;

use crate::{outcomes::Outcomes, stars::Stars};

/// Where a version stands, as `catalogue_version.status` has it.
pub(super) mod status {
    pub const SUBMITTED: i16 = 0;
    pub const VALIDATING: i16 = 1;
    pub const NEEDS_REVIEW: i16 = 2;
    pub const APPROVED: i16 = 3;
    pub const REJECTED: i16 = 4;
    pub const YANKED: i16 = 5;
}

/// What the short texts of a plugin take, bytes.
const DETAILS: usize = 400;

/// Changes of the catalogue, by key.
#[derive(Default)]
pub(super) struct CatalogueChanges {
    pub vendors: BTreeMap<Uuid, VendorPatch>,
    pub plugins: BTreeMap<Uuid, PluginPatch>,
    /// Apart from the plugins: most changes are to counters alone, and those are small.
    pub ranks: BTreeMap<Uuid, RankPatch>,
    pub versions: BTreeMap<(Uuid, String), VersionPatch>,
    pub downloads: BTreeSet<Download>,
    /// Bytes of what plugins say of themselves.
    pub texts: usize,
}

/// What counts once in the public number of downloads, however often it is fetched.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Download {
    pub plugin: Uuid,
    pub user: Uuid,
    pub version: String,
    /// In UTC.
    pub day: NaiveDate,
}

#[derive(Default)]
pub(super) struct VendorPatch {
    pub registered: Option<VendorRow>,
    pub verified: bool,
    pub suspended: bool,
    /// Position of the last event.
    pub changed: u64,
}

pub(super) struct VendorRow {
    pub owner: Uuid,
    pub name: String,
    pub slug: String,
    pub at: DateTime<Utc>,
    pub position: u64,
}

#[derive(Default)]
pub(super) struct PluginPatch {
    pub created: Option<PluginRow>,
    pub vendor: Option<Uuid>,
    /// With the position of the event that says it.
    pub details: Option<(Box<Details>, u64)>,
    pub price: Option<(Pricing, Terms)>,
    pub published: bool,
    /// Set and cleared by turns; the last one counts.
    pub suspended: Option<Option<String>>,
    pub deprecated: Option<String>,
    /// The version, and the position of the event.
    pub rolled_back: Option<(Version, u64)>,
    pub updated_at: Option<DateTime<Utc>>,
}

/// How counters of a plugin change.
#[derive(Clone, Copy, Default, Serialize)]
pub(super) struct RankPatch {
    pub confidence: Option<u8>,
    pub review_points: i64,
    #[serde(flatten)]
    pub outcomes: Outcomes,
    pub cross_check_points: i64,
    pub installs: i64,
    pub active_installs: i64,
    /// Those of [`CatalogueChanges::downloads`] that nobody counted yet.
    pub downloads: i64,
    pub rating_sum: i64,
    pub rating_count: i64,
    /// Position of the last event, of whatever kind.
    pub changed: u64,
}

impl PluginPatch {
    /// Whether the plugin was created among these changes, with all that its row needs.
    pub const fn is_whole(&self) -> bool {
        let said = self.details.is_some() && self.price.is_some();
        said && self.created.is_some() && self.vendor.is_some() && self.updated_at.is_some()
    }
}

pub(super) struct PluginRow {
    pub name: String,
    pub at: DateTime<Utc>,
    pub position: u64,
}

#[derive(Default)]
pub(super) struct VersionPatch {
    pub submitted: Option<VersionRow>,
    /// What the plugin's own stream says.
    pub status: Option<i16>,
    /// What a validation says: counts only while the plugin has not decided.
    pub progress: Option<i16>,
    pub confidence: Option<u8>,
    /// Position of the event that approved it.
    pub approved: Option<u64>,
}

pub(super) struct VersionRow {
    pub sort_key: Vec<u8>,
    pub prerelease: bool,
    pub digest: String,
    pub size: u64,
    pub signed: bool,
    pub at: DateTime<Utc>,
}

impl VersionPatch {
    fn decide(&mut self, status: i16) {
        self.status = Some(status);
        self.progress = None;
    }

    fn advance(&mut self, progress: i16) {
        match &mut self.status {
            Some(decided) if *decided >= status::APPROVED => {}
            Some(open) => *open = progress,
            None => self.progress = Some(progress),
        }
    }
}

impl CatalogueChanges {
    pub fn add(&mut self, event: &Envelope) {
        match &event.event {
            DomainEvent::Vendor(change) => self.vendor(event, change),
            DomainEvent::Plugin(change) => self.plugin(event, change),
            DomainEvent::Validation(change) => self.validation(event, change),
            DomainEvent::Installation(change) => {
                if let Some(plugin) = event.plugin_id() {
                    let patch = self.rank(plugin.uuid(), event);
                    let (installs, active) = installed(change);
                    patch.installs += installs;
                    patch.active_installs += active;
                }
            }
            DomainEvent::Execution(change) => {
                let outcomes = Outcomes::of(change);
                if let Some(plugin) = event.plugin_id().filter(|_| !outcomes.is_none()) {
                    self.rank(plugin.uuid(), event).outcomes.add(outcomes);
                }
            }
            DomainEvent::Review(change) => {
                let stars = Stars::of(change);
                if let Some(plugin) = event.plugin_id().filter(|_| stars != Stars::default()) {
                    let patch = self.rank(plugin.uuid(), event);
                    patch.rating_sum += stars.sum();
                    patch.rating_count += stars.count();
                    patch.review_points += stars.points();
                }
            }
            DomainEvent::Download(download::Event::Initiated { plugin_id, user_id, version, .. }) => {
                let plugin = plugin_id.uuid();
                self.rank(plugin, event);
                self.downloads.insert(Download {
                    plugin,
                    user: user_id.uuid(),
                    version: version.to_string(),
                    day: event.recorded_at.date_naive(),
                });
            }
            DomainEvent::User(_)
            | DomainEvent::Order(_)
            | DomainEvent::Subscription(_)
            | DomainEvent::License(_)
            | DomainEvent::Download(download::Event::Completed {})
            | DomainEvent::Invoice(_)
            | DomainEvent::Webhook(_)
            | DomainEvent::Partner(_)
            | DomainEvent::Traffic(_)
            | DomainEvent::Reservation(_) => {}
        }
    }

    /// How counters of `plugin` change, now also by `event`. Events come in order of position.
    fn rank(&mut self, plugin: Uuid, event: &Envelope) -> &mut RankPatch {
        let patch = self.ranks.entry(plugin).or_default();
        patch.changed = event.position;
        patch
    }

    fn vendor(&mut self, event: &Envelope, change: &vendor::Event) {
        if !matches!(
            change,
            vendor::Event::Registered { .. } | vendor::Event::Verified {} | vendor::Event::Suspended { .. }
        ) {
            return;
        }
        let patch = self.vendors.entry(event.stream.uuid).or_default();
        patch.changed = event.position;
        match change {
            vendor::Event::Registered { owner_id, name, slug, .. } => {
                let (at, position) = (event.recorded_at, event.position);
                let row = VendorRow { owner: owner_id.uuid(), name: name.clone(), slug: slug.clone(), at, position };
                patch.registered = Some(row);
            }
            vendor::Event::Verified {} => patch.verified = true,
            vendor::Event::Suspended { .. } => patch.suspended = true,
            _ => {}
        }
    }

    fn plugin(&mut self, event: &Envelope, change: &plugin::Event) {
        let id = event.stream.uuid;
        if matches!(change, plugin::Event::Abandoned {}) {
            return;
        }
        if let plugin::Event::Created { details, .. } | plugin::Event::Described { details } = change {
            self.texts += details.description.len() + details.summary.len() + DETAILS;
        }
        self.rank(id, event);
        let patch = self.plugins.entry(id).or_default();
        patch.updated_at = Some(event.recorded_at);
        match change {
            plugin::Event::Created { vendor_id, name, details, pricing, terms, .. } => {
                patch.created = Some(PluginRow { name: name.clone(), at: event.recorded_at, position: event.position });
                patch.vendor = Some(vendor_id.uuid());
                patch.details = Some((details.clone(), event.position));
                patch.price = Some((pricing.clone(), terms.clone()));
            }
            plugin::Event::Described { details } => patch.details = Some((details.clone(), event.position)),
            plugin::Event::Priced { pricing, terms, .. } => patch.price = Some((pricing.clone(), terms.clone())),
            plugin::Event::Suspended { reason } => patch.suspended = Some(Some(reason.clone())),
            plugin::Event::Reinstated {} => patch.suspended = Some(None),
            plugin::Event::Deprecated { message } => patch.deprecated = Some(message.clone()),
            plugin::Event::Transferred { to_vendor_id, .. } => patch.vendor = Some(to_vendor_id.uuid()),
            plugin::Event::VersionApproved { version, confidence, .. } => {
                patch.published = true;
                self.decided(id, version, status::APPROVED, *confidence).approved = Some(event.position);
            }
            plugin::Event::VersionRejected { version, confidence, .. } => {
                self.decided(id, version, status::REJECTED, *confidence);
            }
            plugin::Event::VersionYanked { version, .. } => {
                self.decided(id, version, status::YANKED, None);
            }
            plugin::Event::VersionSubmitted { version, digest, size, signature, .. } => {
                let patch = self.version(id, version);
                patch.decide(status::SUBMITTED);
                patch.submitted = Some(VersionRow {
                    sort_key: sort_key(version),
                    prerelease: !version.pre.is_empty(),
                    digest: digest.clone(),
                    size: *size,
                    signed: signature.is_some(),
                    at: event.recorded_at,
                });
            }
            plugin::Event::RolledBack { version, .. } => {
                patch.rolled_back = Some((version.clone(), event.position));
            }
            plugin::Event::Abandoned {} => {}
        }
    }

    fn validation(&mut self, event: &Envelope, change: &validation::Event) {
        let Some(plugin) = event.plugin_id() else { return };
        match change {
            validation::Event::Requested { version, .. } => {
                self.version(plugin.uuid(), version).advance(status::VALIDATING);
            }
            validation::Event::Concluded { version, confidence, verdict, .. } => {
                let patch = self.version(plugin.uuid(), version);
                patch.confidence = Some(*confidence);
                if *verdict == validation::Verdict::Escalate {
                    patch.advance(status::NEEDS_REVIEW);
                }
                self.rank(plugin.uuid(), event).confidence = Some(*confidence);
            }
            validation::Event::CrossChecked { check, .. } if check.points() != 0 => {
                self.rank(plugin.uuid(), event).cross_check_points += check.points();
            }
            validation::Event::Escalated { version, .. } => {
                self.version(plugin.uuid(), version).advance(status::NEEDS_REVIEW);
            }
            validation::Event::StepCompleted { .. }
            | validation::Event::CrossChecked { .. }
            | validation::Event::Appealed { .. }
            | validation::Event::Adjudicated { .. } => {}
        }
    }

    fn version(&mut self, plugin: Uuid, version: &Version) -> &mut VersionPatch {
        self.versions.entry((plugin, version.to_string())).or_default()
    }

    fn decided(&mut self, plugin: Uuid, version: &Version, status: i16, confidence: Option<u8>) -> &mut VersionPatch {
        let patch = self.version(plugin, version);
        patch.decide(status);
        patch.confidence = confidence.or(patch.confidence);
        patch
    }
}

/// How many more users ever installed, and how many more have it installed.
fn installed(change: &installation::Event) -> (i64, i64) {
    match change {
        installation::Event::Installed { first, .. } => (i64::from(*first), 1),
        installation::Event::Uninstalled { .. } | installation::Event::Blocked { .. } => (0, -1),
        installation::Event::Upgraded { .. } => (0, 0),
    }
}

/// Bytes that order as semver orders versions; of equal precedence, by build metadata.
pub(super) fn sort_key(version: &Version) -> Vec<u8> {
    let mut key = Vec::with_capacity(32);
    for number in [version.major, version.minor, version.patch] {
        key.extend_from_slice(&number.to_be_bytes());
    }
    push_prerelease(&mut key, &version.pre);
    key.extend_from_slice(version.build.as_bytes());
    key
}

/// A release is above all its pre-releases; numeric parts are below others and order by value; fewer parts come first.
fn push_prerelease(key: &mut Vec<u8>, pre: &Prerelease) {
    const END: u8 = 0;
    const NUMBER: u8 = 1;
    const TEXT: u8 = 2;
    const RELEASE: u8 = 3;
    if pre.is_empty() {
        key.push(RELEASE);
        return;
    }
    for part in pre.split('.') {
        if part.bytes().all(|byte| byte.is_ascii_digit()) {
            key.push(NUMBER);
            // Without leading zeros, a longer number is a greater one. Versions are at most a few hundred bytes long.
            key.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            key.extend_from_slice(part.as_bytes());
        } else {
            key.push(TEXT);
            key.extend_from_slice(part.as_bytes());
            key.push(END);
        }
    }
    key.push(END);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn versions() -> impl Strategy<Value = Version> {
        let pre = prop_oneof![
            Just(String::new()),
            "(0|[1-9][0-9]{0,3}|[a-z]{1,3})(\\.(0|[1-9][0-9]{0,25}|[a-z0-9-]{0,2}[a-z])){0,2}"
        ];
        let build = prop_oneof![Just(String::new()), "[a-z]{1,2}"];
        (0..3_u64, 0..3_u64, 0..300_u64, pre, build).prop_map(|(major, minor, patch, pre, build)| {
            let mut version = Version::new(major, minor, patch);
            version.pre = pre.parse().unwrap();
            version.build = build.parse().unwrap();
            version
        })
    }

    proptest! {
        #[test]
        fn keys_order_as_versions_do(left in versions(), right in versions()) {
            prop_assert_eq!(sort_key(&left).cmp(&sort_key(&right)), left.cmp(&right));
        }
    }

    #[test]
    fn a_validation_never_overrules_a_decision() {
        let mut patch = VersionPatch::default();
        patch.decide(status::SUBMITTED);
        patch.advance(status::VALIDATING);
        assert_eq!((patch.status, patch.progress), (Some(status::VALIDATING), None));
        patch.decide(status::APPROVED);
        patch.advance(status::NEEDS_REVIEW);
        assert_eq!((patch.status, patch.progress), (Some(status::APPROVED), None));
    }
}
