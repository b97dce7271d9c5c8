//! Typed identifiers: a UUID that says what it names.

use std::{fmt, hash::Hash, marker::PhantomData, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// A UUID that names a `K`. `K` is a marker and never has a value.
pub struct Id<K>(Uuid, PhantomData<fn() -> K>);

/// The markers of [`Id`].
pub mod kind {
    /// A person with an account.
    pub enum User {}
    /// A seller.
    pub enum Vendor {}
    /// A listed asset.
    pub enum Plugin {}
    /// One validation of one version.
    pub enum Validation {}
    /// One plugin installed by one user.
    pub enum Installation {}
    /// One run of one version by one user.
    pub enum Execution {}
    /// One user's review of one plugin.
    pub enum Review {}
    /// A purchase.
    pub enum Order {}
    /// A right to use a plugin.
    pub enum License {}
    /// A purchase that is paid again and again.
    pub enum Subscription {}
    /// Money given back.
    pub enum Refund {}
    /// Something that a payment gateway told.
    pub enum Webhook {}
    /// Money paid out to a vendor.
    pub enum Payout {}
    /// The consecutive numbers of one vendor's invoices, or of its credit notes.
    pub enum Series {}
    /// One download of one version by one user.
    pub enum Download {}
    /// An API key of a user.
    pub enum ApiKey {}
    /// A key with which a vendor signs.
    pub enum VendorKey {}
    /// Somebody else's system that consumes public events.
    pub enum Partner {}
    /// A key of a partner.
    pub enum PartnerKey {}
    /// One execution of one command.
    pub enum Command {}
}

/// Names a user.
pub type UserId = Id<kind::User>;
/// Names a vendor.
pub type VendorId = Id<kind::Vendor>;
/// Names a plugin.
pub type PluginId = Id<kind::Plugin>;
/// Names a validation; derived from plugin and version.
pub type ValidationId = Id<kind::Validation>;
/// Names an installation; derived from user and plugin.
pub type InstallationId = Id<kind::Installation>;
/// Names an execution; derived from the command that asked for it.
pub type ExecutionId = Id<kind::Execution>;
/// Names a review; derived from user and plugin.
pub type ReviewId = Id<kind::Review>;
/// Names an order.
pub type OrderId = Id<kind::Order>;
/// Names a license; derived from the order that paid for it.
pub type LicenseId = Id<kind::License>;
/// Names a subscription; derived from the order that began it.
pub type SubscriptionId = Id<kind::Subscription>;
/// Names a refund; derived from the command that asked for it, or from its gateway's name.
pub type RefundId = Id<kind::Refund>;
/// Names a webhook; derived from the gateway and its id of the event.
pub type WebhookId = Id<kind::Webhook>;
/// Names a payout.
pub type PayoutId = Id<kind::Payout>;
/// Names a series of numbers; derived from the vendor and what is numbered.
pub type SeriesId = Id<kind::Series>;
/// Names a download; derived from the command that asked for it.
pub type DownloadId = Id<kind::Download>;
/// Names an API key.
pub type ApiKeyId = Id<kind::ApiKey>;
/// Names a vendor's key; derived from vendor and public key.
pub type VendorKeyId = Id<kind::VendorKey>;
/// Names a partner; derived from the command that registered it.
pub type PartnerId = Id<kind::Partner>;
/// Names a key of a partner; derived from the command that issued it.
pub type PartnerKeyId = Id<kind::PartnerKey>;
/// Names a command; derived from actor, route and idempotency key.
pub type CommandId = Id<kind::Command>;

/// The namespace of every UUIDv5 that Souk derives. Changing it orphans stored streams.
const NAMESPACE: Uuid = Uuid::from_u128(0x6a0f_5c1e_7b1d_4c57_9a3e_5075_6b00_0001);

/// A UUIDv5 over `parts`, separated so that no two lists of parts collide.
#[must_use]
pub fn derive(parts: &[&str]) -> Uuid {
    let mut name = Vec::new();
    for part in parts {
        name.extend_from_slice(&(part.len() as u64).to_be_bytes());
        name.extend_from_slice(part.as_bytes());
    }
    Uuid::new_v5(&NAMESPACE, &name)
}

impl<K> Id<K> {
    /// Wraps a UUID.
    #[must_use]
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    /// The UUID itself.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }

    /// The id derived from `parts`; see [`derive()`].
    #[must_use]
    pub fn derived(parts: &[&str]) -> Self {
        Self::new(derive(parts))
    }
}

impl InstallationId {
    /// The one installation of `plugin` by `user`.
    #[must_use]
    pub fn of(user: UserId, plugin: PluginId) -> Self {
        Self::derived(&["installation", &user.to_string(), &plugin.to_string()])
    }
}

impl ExecutionId {
    /// The one execution that `command` asks for.
    #[must_use]
    pub fn of(command: CommandId) -> Self {
        Self::derived(&["execution", &command.to_string()])
    }
}

impl ReviewId {
    /// The one review of `plugin` by `user`.
    #[must_use]
    pub fn of(user: UserId, plugin: PluginId) -> Self {
        Self::derived(&["review", &user.to_string(), &plugin.to_string()])
    }
}

impl ValidationId {
    /// The validation of `version` of `plugin`.
    #[must_use]
    pub fn of(plugin: PluginId, version: &semver::Version) -> Self {
        Self::derived(&["validation", &plugin.to_string(), &version.to_string()])
    }
}

impl LicenseId {
    /// The one license that `order` pays for.
    #[must_use]
    pub fn of(order: OrderId) -> Self {
        Self::derived(&["license", &order.to_string()])
    }
}

impl SubscriptionId {
    /// The one subscription that `order` begins.
    #[must_use]
    pub fn of(order: OrderId) -> Self {
        Self::derived(&["subscription", &order.to_string()])
    }
}

impl DownloadId {
    /// The one download that `command` asks for.
    #[must_use]
    pub fn of(command: CommandId) -> Self {
        Self::derived(&["download", &command.to_string()])
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
impl<K> FromStr for Id<K> {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::from_str(text).map(Self::new)
    }
}
impl<K> From<Uuid> for Id<K> {
    fn from(uuid: Uuid) -> Self {
        Self::new(uuid)
    }
}
impl<K> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
impl<'de, K> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Uuid::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests;
