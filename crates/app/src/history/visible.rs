//! Which fields of which event who may see. What is not named here is for admins only.

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Viewer {
    /// Anyone.
    Public,
    /// The owner of the plugin's vendor.
    Vendor,
    /// An admin; sees everything.
    Admin,
}

/// What is shown of one type of event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub event_type: &'static str,
    /// Fields for anyone.
    pub public: &'static [&'static str],
    /// Fields for the vendor as well.
    pub vendor: &'static [&'static str],
}

impl Rule {
    pub(super) fn shows(&self, field: &str, viewer: Viewer) -> bool {
        match viewer {
            Viewer::Admin => true,
            Viewer::Vendor => self.public.contains(&field) || self.vendor.contains(&field),
            Viewer::Public => self.public.contains(&field),
        }
    }
}

const fn rule(event_type: &'static str, public: &'static [&'static str], vendor: &'static [&'static str]) -> Rule {
    Rule { event_type, public, vendor }
}

pub(super) fn rule_of(event_type: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.event_type == event_type)
}

/// Every type of event. A test compares it with the catalogue of types.
pub(super) const RULES: &[Rule] = &[
    rule("download.completed", &[], &[]),
    rule("download.initiated", &["pluginId", "vendorId", "version", "digest", "size"], &["licenseId"]),
    rule("email.released", &[], &[]),
    rule("email.reserved", &[], &[]),
    rule("execution.failed", &["version", "code", "fault", "durationMs", "cpuMs", "memoryBytes"], &[]),
    rule("execution.started", &["pluginId", "vendorId", "version", "digest", "mode"], &["seed"]),
    rule("execution.succeeded", &["version", "durationMs", "cpuMs", "memoryBytes"], &["outputSize"]),
    rule("installation.blocked", &["version"], &["licenseId", "reason"]),
    rule("installation.installed", &["pluginId", "vendorId", "version", "first"], &["licenseId", "checked"]),
    rule("installation.uninstalled", &["version"], &[]),
    rule("installation.upgraded", &["fromVersion", "toVersion"], &["licenseId", "checked"]),
    rule(
        "invoice.credited",
        &[],
        &["number", "orderId", "pluginId", "vendorId", "amount", "tax", "currency", "issuedAt"],
    ),
    rule(
        "invoice.issued",
        &[],
        &["number", "orderId", "pluginId", "vendorId", "amount", "tax", "currency", "issuedAt"],
    ),
    rule("key.released", &[], &[]),
    rule("key.reserved", &[], &[]),
    rule("license.activated", &["activatedAt", "activations"], &[]),
    rule("license.deactivated", &["activations"], &[]),
    rule("license.expired", &["expiredAt"], &[]),
    rule("license.extended", &["kind"], &["expiresAt", "previousExpiresAt"]),
    rule(
        "license.issued",
        &["pluginId", "vendorId", "kind", "terms"],
        &["licenseId", "orderId", "subscriptionId", "expiresAt"],
    ),
    rule("license.key_rotated", &[], &["generation"]),
    rule("license.reinstated", &["status"], &["payment"]),
    rule("license.revoked", &["status"], &["reason", "payment"]),
    rule("license.suspended", &["status"], &["reason", "payment"]),
    rule("license.used", &["purpose"], &["amount", "total", "usedAt"]),
    rule("name.released", &[], &[]),
    rule("name.reserved", &[], &[]),
    rule("order.canceled", &["reason"], &[]),
    rule("order.checkout_opened", &[], &[]),
    rule(
        "order.placed",
        &["pluginId", "vendorId", "amount", "currency", "pricing", "terms", "placedAt"],
        &["orderId", "gateway", "commissionBasisPoints", "subscription"],
    ),
    // Whom the operator lets consume what is between the two.
    rule("partner.key_issued", &[], &[]),
    rule("partner.key_revoked", &[], &[]),
    rule("partner.registered", &[], &[]),
    rule("partner.reinstated", &[], &[]),
    rule("partner.scopes_set", &[], &[]),
    rule("partner.suspended", &[], &[]),
    rule("payment.completed", &["amount", "currency"], &["tax", "commission", "fee", "country", "paidAt"]),
    rule("payment.dispute_lost", &["amount", "currency", "status"], &["takenNow", "commission", "tax"]),
    rule("payment.dispute_won", &["amount", "currency", "status"], &["cameBack", "commission", "tax"]),
    rule("payment.disputed", &["amount", "currency", "status"], &["reason", "commission", "tax"]),
    rule("payment.failed", &[], &["code"]),
    rule(
        "payment.refund_failed",
        &["amount", "currency", "refundedTotal", "status"],
        &["refundId", "code", "cameBack", "commission", "tax"],
    ),
    rule("payment.refund_requested", &["amount", "currency"], &["refundId", "reason"]),
    rule(
        "payment.refunded",
        &["amount", "currency", "refundedTotal", "full", "status"],
        &["refundId", "commission", "tax", "reason"],
    ),
    rule("payment.unmatched", &[], &["amount", "currency", "problem"]),
    rule("payment.unmatched_returned", &[], &["amount", "currency"]),
    rule("plugin.abandoned", &[], &[]),
    rule(
        "plugin.created",
        &[
            "pluginId",
            "vendorId",
            "name",
            "displayName",
            "kind",
            "summary",
            "description",
            "category",
            "tags",
            "license",
            "media",
            "complexity",
            "setupMinutes",
            "requirements",
            "pricing",
            "terms",
        ],
        &[],
    ),
    rule("plugin.deprecated", &["message"], &[]),
    rule(
        "plugin.described",
        &[
            "displayName",
            "kind",
            "summary",
            "description",
            "category",
            "tags",
            "license",
            "media",
            "complexity",
            "setupMinutes",
            "requirements",
        ],
        &[],
    ),
    rule("plugin.priced", &["pricing", "terms", "previousPricing", "previousTerms"], &[]),
    rule("plugin.reinstated", &[], &[]),
    rule("plugin.rolled_back", &["version", "fromVersion", "reason"], &[]),
    rule("plugin.suspended", &["reason"], &[]),
    rule("plugin.transferred", &["fromVendorId", "toVendorId"], &[]),
    rule("plugin.version_approved", &["version", "digest", "validationId", "confidence", "by", "previousVersion"], &[]),
    rule("plugin.version_rejected", &["version", "confidence", "by", "reason"], &[]),
    // A manifest says whatever its maker wrote into it, also addresses of people.
    rule("plugin.version_submitted", &["version", "digest", "size", "signature", "stripped"], &["manifest"]),
    rule("plugin.version_yanked", &["version", "reason"], &[]),
    rule("reference.released", &[], &[]),
    rule("reference.reserved", &[], &[]),
    rule("review.edited", &["rating", "previousRating", "hidden"], &[]),
    rule("review.flagged", &[], &[]),
    rule("review.hidden", &["rating"], &[]),
    rule("review.replied", &["body"], &[]),
    rule("review.restored", &["rating"], &[]),
    rule("review.retracted", &["rating", "hidden"], &[]),
    rule("review.submitted", &["pluginId", "vendorId", "rating", "installedVersion"], &[]),
    rule("review.unflagged", &[], &[]),
    rule("slug.released", &[], &[]),
    rule("slug.reserved", &[], &[]),
    rule("subscription.canceled", &["endsAt"], &[]),
    rule("subscription.lapsed", &["reason", "lapsedAt"], &[]),
    rule("subscription.past_due", &[], &["code", "asOf"]),
    rule("subscription.renewed", &["periodEnd", "standing"], &["orderId", "previousPeriodEnd", "asOf"]),
    rule("subscription.resumed", &[], &["asOf"]),
    rule(
        "subscription.started",
        &["pluginId", "vendorId", "pricing", "terms", "trial", "startedAt", "periodEnd"],
        &["subscriptionId", "orderId", "licenseId", "gateway", "commissionBasisPoints"],
    ),
    rule("traffic.counted", &[], &[]),
    rule("trial.released", &[], &[]),
    rule("trial.reserved", &[], &[]),
    rule("user.abandoned", &[], &[]),
    rule("user.api_key_issued", &[], &[]),
    rule("user.api_key_revoked", &[], &[]),
    rule("user.erased", &[], &[]),
    rule("user.erasure_requested", &[], &[]),
    rule("user.registered", &[], &[]),
    rule("user.role_granted", &[], &[]),
    rule("user.role_revoked", &[], &[]),
    rule("validation.adjudicated", &["version", "verdict", "reason", "onAppeal"], &[]),
    // Why a vendor appeals is between it and the moderators.
    rule("validation.appealed", &["version"], &["vendorId", "reason"]),
    rule("validation.concluded", &["version", "confidence", "verdict", "report", "thresholds"], &[]),
    rule("validation.cross_checked", &["version", "samples", "attempts"], &[]),
    rule("validation.escalated", &["version", "reason"], &[]),
    rule("validation.requested", &["validationId", "pluginId", "version", "digest", "kind", "pipeline"], &[]),
    rule("validation.step_completed", &["version", "name", "outcome", "penalty", "findings", "findingCount"], &[]),
    rule("vendor.abandoned", &[], &[]),
    rule("vendor.commission_set", &[], &["basisPoints", "previousBasisPoints"]),
    rule("vendor.key_registered", &["keyId", "publicKey", "label"], &[]),
    rule("vendor.key_revoked", &["keyId"], &[]),
    rule("vendor.payout_account_set", &[], &["gateway", "account"]),
    rule("vendor.payout_failed", &[], &["payoutId", "amount", "currency", "reason"]),
    rule("vendor.payout_paid", &[], &["payoutId", "amount", "currency", "paidAt"]),
    rule("vendor.payout_requested", &[], &["payoutId", "vendorId", "amount", "currency", "batchId", "requestedAt"]),
    rule("vendor.registered", &["vendorId", "name", "slug"], &[]),
    rule("vendor.suspended", &[], &["reason"]),
    rule("vendor.verified", &[], &[]),
    rule("webhook.deferred", &[], &[]),
    rule("webhook.failed", &[], &[]),
    rule("webhook.received", &[], &[]),
    rule("webhook.settled", &[], &[]),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use souk_domain::event::EVENT_TYPES;

    use super::*;

    #[test]
    fn every_type_of_event_has_one_rule() {
        let ruled: Vec<_> = RULES.iter().map(|rule| rule.event_type).collect();
        let known: Vec<_> = EVENT_TYPES.iter().map(|(name, _)| *name).collect();
        assert_eq!(ruled, known);
    }

    #[test]
    fn nobody_but_admins_sees_who_bought_with_what_on_which_machine() {
        let private = BTreeSet::from([
            "userId",
            "buyerId",
            "ownerId",
            "holderId",
            "email",
            "displayName",
            "fingerprint",
            "label",
            "reference",
            "title",
            "keyId",
        ]);
        // What a plugin shows of itself is no person's, and the keys with which a vendor signs are there for everyone.
        let own = ["plugin.created", "plugin.described", "vendor.key_registered", "vendor.key_revoked"];
        for rule in RULES.iter().filter(|rule| !own.contains(&rule.event_type)) {
            let shown: BTreeSet<_> = rule.public.iter().chain(rule.vendor).copied().collect();
            assert!(shown.is_disjoint(&private), "{} shows too much", rule.event_type);
        }
        let body = RULES.iter().filter(|rule| rule.public.contains(&"body")).map(|rule| rule.event_type);
        assert_eq!(body.collect::<Vec<_>>(), ["review.replied"], "a vendor's answer is public, a review is not");
    }
}
