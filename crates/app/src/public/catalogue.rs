//! The types of public events and their fields. What is not named here leaves Souk in no public event.
//!
//! Names and shapes are a promise to others: a field may be added, and nothing else may change within a version of a type.

use super::shape::Shape;

/// Who may have events of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everybody: it is about what is on display.
    Everyone,
    /// Partners in whose scope it is.
    Partners,
}

/// One field of the data.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name, the same as in the recorded event.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// Whether every event of the type has it; else it is left out where there is nothing to say.
    pub required: bool,
}

/// A type of public events.
#[derive(Clone, Copy, Debug)]
pub struct PublicType {
    /// Without prefix and version, `plugin.version_approved`; events of this type are recorded under the same name.
    pub name: &'static str,
    /// The version of its shape, from 1.
    pub version: u16,
    /// Who may have it.
    pub audience: Audience,
    /// What has happened, in a sentence.
    pub summary: &'static str,
    /// What the data holds.
    pub fields: &'static [Field],
}

impl PublicType {
    /// The name with prefix and without version, `souk.plugin.version_approved`.
    #[must_use]
    pub fn family(&self) -> String {
        format!("souk.{}", self.name)
    }

    /// The whole name, `souk.plugin.version_approved.v1`.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("souk.{}.v{}", self.name, self.version)
    }
}

/// The type of this name: `plugin.version_approved`, also with `souk.` before and `.v1` behind.
#[must_use]
pub fn find(name: &str) -> Option<&'static PublicType> {
    let name = name.strip_prefix("souk.").unwrap_or(name);
    let index = TYPES.binary_search_by(|known| known.name.cmp(name)).ok();
    index.and_then(|index| TYPES.get(index)).or_else(|| {
        let (name, version) = name.rsplit_once(".v")?;
        TYPES.iter().find(|known| known.name == name && version.parse() == Ok(known.version))
    })
}

const fn must(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: true }
}

const fn may(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: false }
}

const fn everyone(name: &'static str, summary: &'static str, fields: &'static [Field]) -> PublicType {
    PublicType { name, version: 1, audience: Audience::Everyone, summary, fields }
}

const fn partners(name: &'static str, summary: &'static str, fields: &'static [Field]) -> PublicType {
    PublicType { name, version: 1, audience: Audience::Partners, summary, fields }
}

const KIND: Shape = Shape::OneOf(&["agent", "skill", "command", "plugin", "mcp_server", "workflow", "asset"]);
const COMPLEXITY: Shape = Shape::OneOf(&["beginner", "intermediate", "advanced"]);
const BY: Shape = Shape::OneOf(&["validation", "moderator"]);
const VERDICT: Shape = Shape::OneOf(&["approve", "escalate", "reject"]);
const LICENSE: Shape = Shape::OneOf(&["active", "suspended", "revoked"]);
const STANDING: Shape = Shape::OneOf(&["trialing", "active", "past_due", "lapsed"]);
const PAYMENT: Shape =
    Shape::OneOf(&["placed", "paid", "partially_refunded", "refunded", "disputed", "charged_back", "canceled"]);

const VERSION: Field = must("version", Shape::Version);
const DIGEST: Field = must("digest", Shape::Digest);
const AMOUNT: Field = must("amount", Shape::Integer);
const CURRENCY: Field = must("currency", Shape::Currency);
const RATING: Field = must("rating", Shape::Rating);
const USAGE: [Field; 3] =
    [must("durationMs", Shape::Integer), must("cpuMs", Shape::Integer), must("memoryBytes", Shape::Integer)];

/// What a listing says of itself, without its long texts: those are at `GET /plugins/{plugin}`.
const LISTING: [Field; 8] = [
    must("displayName", Shape::Text),
    must("kind", KIND),
    must("summary", Shape::Text),
    must("category", Shape::Text),
    must("tags", Shape::Texts),
    must("license", Shape::Text),
    may("complexity", COMPLEXITY),
    may("setupMinutes", Shape::Integer),
];

const CREATED: [Field; 12] = [
    must("pluginId", Shape::Uuid),
    must("vendorId", Shape::Uuid),
    must("name", Shape::Text),
    must("pricing", Shape::Pricing),
    LISTING[0],
    LISTING[1],
    LISTING[2],
    LISTING[3],
    LISTING[4],
    LISTING[5],
    LISTING[6],
    LISTING[7],
];

/// Every type, in alphabetical order.
pub const TYPES: &[PublicType] = &[
    partners(
        "download.initiated",
        "Somebody began to download a version.",
        &[VERSION, DIGEST, must("size", Shape::Integer)],
    ),
    partners(
        "execution.failed",
        "A run of a plugin failed.",
        &[
            VERSION,
            must("code", Shape::Text),
            must("fault", Shape::OneOf(&["plugin", "caller", "platform"])),
            USAGE[0],
            USAGE[1],
            USAGE[2],
        ],
    ),
    partners("execution.succeeded", "A run of a plugin succeeded.", &[VERSION, USAGE[0], USAGE[1], USAGE[2]]),
    partners("installation.installed", "Somebody installed a plugin.", &[VERSION, must("first", Shape::Boolean)]),
    partners("installation.uninstalled", "Somebody uninstalled a plugin.", &[VERSION]),
    partners(
        "installation.upgraded",
        "An installation changed to another version.",
        &[must("fromVersion", Shape::Version), must("toVersion", Shape::Version)],
    ),
    partners(
        "license.issued",
        "Somebody has a right to use a plugin.",
        &[must("kind", Shape::OneOf(&["perpetual", "subscription", "trial"]))],
    ),
    partners("license.reinstated", "A license is good again.", &[must("status", LICENSE)]),
    partners("license.revoked", "A license is not good any more.", &[must("status", LICENSE)]),
    partners("license.suspended", "A license is not good for now.", &[must("status", LICENSE)]),
    partners("order.placed", "Somebody ordered a plugin.", &[AMOUNT, CURRENCY, must("placedAt", Shape::Time)]),
    partners("payment.completed", "An order was paid.", &[AMOUNT, CURRENCY]),
    partners(
        "payment.refunded",
        "Money of an order went back.",
        &[
            AMOUNT,
            CURRENCY,
            must("refundedTotal", Shape::Integer),
            must("full", Shape::Boolean),
            must("status", PAYMENT),
        ],
    ),
    everyone("plugin.created", "A listing was made. It can be installed once a version is approved.", &CREATED),
    everyone("plugin.deprecated", "A plugin should not be used any more.", &[must("message", Shape::Text)]),
    everyone("plugin.described", "A listing says something else of itself.", &LISTING),
    everyone(
        "plugin.priced",
        "A plugin has another price.",
        &[must("pricing", Shape::Pricing), must("previousPricing", Shape::Pricing)],
    ),
    everyone("plugin.reinstated", "A suspension of a plugin is over.", &[]),
    everyone(
        "plugin.rolled_back",
        "New installations get an older version again.",
        &[VERSION, must("fromVersion", Shape::Version)],
    ),
    everyone("plugin.suspended", "Nobody can install a plugin for now.", &[]),
    everyone(
        "plugin.transferred",
        "A plugin belongs to another vendor.",
        &[must("fromVendorId", Shape::Uuid), must("toVendorId", Shape::Uuid)],
    ),
    everyone(
        "plugin.version_approved",
        "A version can be installed.",
        &[VERSION, DIGEST, may("confidence", Shape::Integer), must("by", BY), may("previousVersion", Shape::Version)],
    ),
    partners(
        "plugin.version_rejected",
        "A version is refused.",
        &[VERSION, may("confidence", Shape::Integer), must("by", BY)],
    ),
    partners("plugin.version_submitted", "A version was handed in.", &[VERSION, DIGEST, must("size", Shape::Integer)]),
    everyone(
        "plugin.version_yanked",
        "A version should not be used any more.",
        &[VERSION, must("reason", Shape::Text)],
    ),
    partners(
        "review.edited",
        "A review gives other stars.",
        &[RATING, must("previousRating", Shape::Rating), must("hidden", Shape::Boolean)],
    ),
    partners("review.hidden", "A review is not shown any more.", &[RATING]),
    partners("review.restored", "A review is shown again.", &[RATING]),
    partners("review.retracted", "A review was taken back.", &[RATING, must("hidden", Shape::Boolean)]),
    partners("review.submitted", "A plugin was reviewed.", &[RATING, may("installedVersion", Shape::Version)]),
    partners("subscription.canceled", "A subscription ends with its interval.", &[may("endsAt", Shape::Time)]),
    partners("subscription.lapsed", "A subscription is over.", &[may("lapsedAt", Shape::Time)]),
    partners(
        "subscription.renewed",
        "A subscription goes on.",
        &[must("periodEnd", Shape::Time), must("standing", STANDING)],
    ),
    partners(
        "subscription.started",
        "A subscription began.",
        &[
            must("pricing", Shape::Pricing),
            must("trial", Shape::Boolean),
            must("startedAt", Shape::Time),
            must("periodEnd", Shape::Time),
        ],
    ),
    everyone(
        "validation.concluded",
        "A version was checked.",
        &[VERSION, must("confidence", Shape::Integer), must("verdict", VERDICT)],
    ),
    everyone(
        "vendor.key_registered",
        "A key signs for a vendor from now on.",
        &[must("keyId", Shape::Uuid), must("publicKey", Shape::Text)],
    ),
    everyone("vendor.key_revoked", "A key signs nothing new any more.", &[must("keyId", Shape::Uuid)]),
    everyone(
        "vendor.registered",
        "A vendor was opened.",
        &[must("vendorId", Shape::Uuid), must("name", Shape::Text), must("slug", Shape::Text)],
    ),
    partners("vendor.suspended", "A vendor may not publish for now.", &[]),
    everyone("vendor.verified", "A vendor is who it says.", &[]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_found_by_every_name() {
        assert!(TYPES.windows(2).all(|pair| pair[0].name < pair[1].name));
        for public in TYPES {
            for name in [public.name.to_owned(), public.family(), public.full_name()] {
                assert_eq!(find(&name).map(|found| found.name), Some(public.name), "{name}");
            }
        }
        for unknown in ["plugin", "plugin.exploded", "souk.plugin.created.v2", "", "user.registered"] {
            assert!(find(unknown).is_none(), "{unknown}");
        }
    }
}
