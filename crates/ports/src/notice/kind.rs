//! Kinds of notices, and the categories that somebody may want to hear of or not.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Choice;

/// What somebody may want to hear of or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Category {
    /// What one bought: receipts, refunds, subscriptions.
    Orders,
    /// What one may use.
    Licenses,
    /// What is said about plugins.
    Reviews,
    /// What one publishes.
    Publishing,
    /// What one earns.
    Payouts,
    /// News of what one has installed.
    Updates,
    /// What is dangerous not to know.
    Security,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 7] =
        [Self::Orders, Self::Licenses, Self::Reviews, Self::Publishing, Self::Payouts, Self::Updates, Self::Security];

    /// As the store and the wire spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Licenses => "licenses",
            Self::Reviews => "reviews",
            Self::Publishing => "publishing",
            Self::Payouts => "payouts",
            Self::Updates => "updates",
            Self::Security => "security",
        }
    }

    /// How it is heard of by who chose nothing.
    #[must_use]
    pub const fn by_default(self) -> Choice {
        // Whoever has a hundred plugins does not want a mail for each of their versions.
        Choice { in_app: true, email: !matches!(self, Self::Updates) }
    }

    /// What of it is mailed whatever somebody chose.
    pub fn binding(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(move |kind| kind.category() == self && kind.is_binding())
    }

    /// Whether mails of it can be ended at all.
    #[must_use]
    pub fn can_be_ended(self) -> bool {
        Kind::ALL.into_iter().any(|kind| kind.category() == self && !kind.is_binding())
    }
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// A payment was received: the receipt.
    OrderPaid,
    /// Money was given back.
    OrderRefunded,
    /// Money could not be given back, or came back.
    RefundFailed,
    /// A trial began.
    TrialStarted,
    /// A trial is over, and is paid from now on.
    TrialEnded,
    /// A subscription was not paid in time.
    SubscriptionPastDue,
    /// A subscription ends when what was paid is used up.
    SubscriptionCanceled,
    /// A subscription is over.
    SubscriptionLapsed,
    /// A license is not good for now.
    LicenseSuspended,
    /// A license is good again.
    LicenseReinstated,
    /// A license is not good any more.
    LicenseRevoked,
    /// A license's time is over.
    LicenseExpired,
    /// Somebody reviewed a plugin of one's own.
    ReviewReceived,
    /// The vendor answered one's review.
    ReviewReplied,
    /// A version of one's own can be installed.
    VersionApproved,
    /// A version of one's own was rejected.
    VersionRejected,
    /// A moderator looks at a version of one's own.
    VersionNeedsReview,
    /// A plugin of one's own was suspended.
    ListingSuspended,
    /// A plugin of one's own is there again.
    ListingReinstated,
    /// One's vendor may publish.
    VendorVerified,
    /// One's vendor may not publish.
    VendorSuspended,
    /// A payout was asked for.
    PayoutRequested,
    /// A payout was transferred.
    PayoutPaid,
    /// A payout did not arrive.
    PayoutFailed,
    /// A buyer contests a payment.
    DisputeOpened,
    /// A dispute was decided for the vendor.
    DisputeWon,
    /// A dispute was decided for the buyer.
    DisputeLost,
    /// What one has installed has a new version.
    VersionAvailable,
    /// What one has installed is not looked after any more.
    PluginDeprecated,
    /// What one has installed was suspended.
    PluginSuspended,
    /// What one has installed is not suspended any more.
    PluginReinstated,
    /// An API key was made in one's name.
    ApiKeyIssued,
    /// An API key of one's own was ended.
    ApiKeyRevoked,
    /// One may do more.
    RoleGranted,
    /// One may do less.
    RoleRevoked,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 35] = [
        Self::OrderPaid,
        Self::OrderRefunded,
        Self::RefundFailed,
        Self::TrialStarted,
        Self::TrialEnded,
        Self::SubscriptionPastDue,
        Self::SubscriptionCanceled,
        Self::SubscriptionLapsed,
        Self::LicenseSuspended,
        Self::LicenseReinstated,
        Self::LicenseRevoked,
        Self::LicenseExpired,
        Self::ReviewReceived,
        Self::ReviewReplied,
        Self::VersionApproved,
        Self::VersionRejected,
        Self::VersionNeedsReview,
        Self::ListingSuspended,
        Self::ListingReinstated,
        Self::VendorVerified,
        Self::VendorSuspended,
        Self::PayoutRequested,
        Self::PayoutPaid,
        Self::PayoutFailed,
        Self::DisputeOpened,
        Self::DisputeWon,
        Self::DisputeLost,
        Self::VersionAvailable,
        Self::PluginDeprecated,
        Self::PluginSuspended,
        Self::PluginReinstated,
        Self::ApiKeyIssued,
        Self::ApiKeyRevoked,
        Self::RoleGranted,
        Self::RoleRevoked,
    ];

    /// As the store, the wire and the templates spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrderPaid => "orderPaid",
            Self::OrderRefunded => "orderRefunded",
            Self::RefundFailed => "refundFailed",
            Self::TrialStarted => "trialStarted",
            Self::TrialEnded => "trialEnded",
            Self::SubscriptionPastDue => "subscriptionPastDue",
            Self::SubscriptionCanceled => "subscriptionCanceled",
            Self::SubscriptionLapsed => "subscriptionLapsed",
            Self::LicenseSuspended => "licenseSuspended",
            Self::LicenseReinstated => "licenseReinstated",
            Self::LicenseRevoked => "licenseRevoked",
            Self::LicenseExpired => "licenseExpired",
            Self::ReviewReceived => "reviewReceived",
            Self::ReviewReplied => "reviewReplied",
            Self::VersionApproved => "versionApproved",
            Self::VersionRejected => "versionRejected",
            Self::VersionNeedsReview => "versionNeedsReview",
            Self::ListingSuspended => "listingSuspended",
            Self::ListingReinstated => "listingReinstated",
            Self::VendorVerified => "vendorVerified",
            Self::VendorSuspended => "vendorSuspended",
            Self::PayoutRequested => "payoutRequested",
            Self::PayoutPaid => "payoutPaid",
            Self::PayoutFailed => "payoutFailed",
            Self::DisputeOpened => "disputeOpened",
            Self::DisputeWon => "disputeWon",
            Self::DisputeLost => "disputeLost",
            Self::VersionAvailable => "versionAvailable",
            Self::PluginDeprecated => "pluginDeprecated",
            Self::PluginSuspended => "pluginSuspended",
            Self::PluginReinstated => "pluginReinstated",
            Self::ApiKeyIssued => "apiKeyIssued",
            Self::ApiKeyRevoked => "apiKeyRevoked",
            Self::RoleGranted => "roleGranted",
            Self::RoleRevoked => "roleRevoked",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// What it belongs to.
    #[must_use]
    pub const fn category(self) -> Category {
        match self {
            Self::OrderPaid
            | Self::OrderRefunded
            | Self::RefundFailed
            | Self::TrialStarted
            | Self::TrialEnded
            | Self::SubscriptionPastDue
            | Self::SubscriptionCanceled
            | Self::SubscriptionLapsed => Category::Orders,
            Self::LicenseSuspended | Self::LicenseReinstated | Self::LicenseRevoked | Self::LicenseExpired => {
                Category::Licenses
            }
            Self::ReviewReceived | Self::ReviewReplied => Category::Reviews,
            Self::VersionApproved
            | Self::VersionRejected
            | Self::VersionNeedsReview
            | Self::ListingSuspended
            | Self::ListingReinstated
            | Self::VendorVerified
            | Self::VendorSuspended => Category::Publishing,
            Self::PayoutRequested
            | Self::PayoutPaid
            | Self::PayoutFailed
            | Self::DisputeOpened
            | Self::DisputeWon
            | Self::DisputeLost => Category::Payouts,
            Self::VersionAvailable | Self::PluginDeprecated => Category::Updates,
            Self::PluginSuspended
            | Self::PluginReinstated
            | Self::ApiKeyIssued
            | Self::ApiKeyRevoked
            | Self::RoleGranted
            | Self::RoleRevoked => Category::Security,
        }
    }

    /// Whether it is mailed whatever somebody chose: receipts, and what is dangerous not to know.
    #[must_use]
    pub const fn is_binding(self) -> bool {
        matches!(self.category(), Category::Security) || matches!(self, Self::OrderPaid | Self::OrderRefunded)
    }

    /// Details of this kind, as a notice of it has them.
    #[must_use]
    pub fn example(self) -> Value {
        let id = || json!("6f2c1a52-8c3e-5b7d-9a41-0d6a2f1be001");
        let plugin = || json!({ "id": id(), "name": "Log_Reader", "title": "Log Reader" });
        let vendor = || json!({ "id": id(), "name": "Engines" });
        let money = || json!({ "amount": 4_900, "currency": "USD" });
        let until = || json!("2026-12-21T09:00:00Z");
        match self {
            Self::OrderPaid | Self::RefundFailed => json!({ "plugin": plugin(), "orderId": id(), "money": money() }),
            Self::OrderRefunded => json!({ "plugin": plugin(), "orderId": id(), "money": money(), "full": true }),
            Self::TrialStarted | Self::TrialEnded | Self::SubscriptionCanceled => {
                json!({ "plugin": plugin(), "subscriptionId": id(), "until": until() })
            }
            Self::SubscriptionPastDue | Self::SubscriptionLapsed => {
                json!({ "plugin": plugin(), "subscriptionId": id() })
            }
            Self::LicenseSuspended | Self::LicenseReinstated | Self::LicenseRevoked | Self::LicenseExpired => {
                json!({ "plugin": plugin(), "licenseId": id() })
            }
            Self::ReviewReceived => json!({ "plugin": plugin(), "reviewId": id(), "rating": 4 }),
            Self::ReviewReplied => json!({ "plugin": plugin(), "reviewId": id() }),
            Self::VersionApproved | Self::VersionRejected | Self::VersionNeedsReview | Self::VersionAvailable => {
                json!({ "plugin": plugin(), "version": "1.2.0" })
            }
            Self::ListingSuspended
            | Self::ListingReinstated
            | Self::PluginDeprecated
            | Self::PluginSuspended
            | Self::PluginReinstated => json!({ "plugin": plugin() }),
            Self::VendorVerified | Self::VendorSuspended => json!({ "vendor": vendor() }),
            Self::PayoutRequested | Self::PayoutPaid | Self::PayoutFailed => {
                json!({ "vendor": vendor(), "payoutId": id(), "money": money() })
            }
            Self::DisputeOpened | Self::DisputeWon | Self::DisputeLost => {
                json!({ "vendor": vendor(), "plugin": plugin(), "orderId": id(), "money": money() })
            }
            Self::ApiKeyIssued | Self::ApiKeyRevoked => json!({ "keyId": id() }),
            Self::RoleGranted | Self::RoleRevoked => json!({ "role": "moderator" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_wire_and_each_is_found_again() {
        for kind in Kind::ALL {
            assert_eq!(json!(kind), json!(kind.as_str()));
            assert_eq!(Kind::named(kind.as_str()), Some(kind));
        }
        for category in Category::ALL {
            assert_eq!(json!(category), json!(category.as_str()));
            assert!(Kind::ALL.iter().any(|kind| kind.category() == category), "{category:?} has no kind");
        }
    }

    #[test]
    fn receipts_and_what_is_dangerous_not_to_know_bind() {
        let binding: Vec<_> = Category::Orders.binding().collect();
        assert_eq!(binding, [Kind::OrderPaid, Kind::OrderRefunded]);
        assert!(!Category::Security.can_be_ended() && Category::Orders.can_be_ended());
        assert_eq!(Category::Updates.binding().count(), 0);
    }
}
