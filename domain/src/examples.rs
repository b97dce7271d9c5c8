//! One example of everything that tests need, and one event of each type.

use chrono::{DateTime, Utc};
use semver::Version;
use serde_json::json;
use uuid::Uuid;

use crate::{
    download,
    event::DomainEvent,
    execution::{self, Execution},
    id::{
        ApiKeyId, Id, LicenseId, OrderId, PluginId, RefundId, SubscriptionId, UserId, ValidationId, VendorId,
        VendorKeyId, WebhookId,
    },
    installation::{self, Checked},
    license,
    listing::{Complexity, Details, Interval, Kind, Media, Permissions, Pricing, Terms},
    money::{BasisPoints, Currency},
    order, partner,
    personal::Personal,
    plugin::{self, DecidedBy, VendorSignature},
    reservation::{self, Holder},
    review::{self, Rating},
    series, subscription, traffic,
    user::{self, Role},
    validation::{self, Finding, Outcome, Severity, Step, Thresholds, Verdict},
    vendor, webhook,
};

mod money;

pub use self::money::*;

pub fn id<K>(n: u128) -> Id<K> {
    Id::new(Uuid::from_u128(n))
}

pub fn user_id() -> UserId {
    id(1)
}

pub fn vendor_id() -> VendorId {
    id(2)
}

pub fn plugin_id() -> PluginId {
    id(3)
}

pub fn order_id() -> OrderId {
    id(4)
}

pub fn license_id() -> LicenseId {
    LicenseId::of(order_id())
}

pub fn key_id() -> ApiKeyId {
    id(5)
}

pub fn validation_id() -> ValidationId {
    ValidationId::of(plugin_id(), &version("1.0.0"))
}

pub fn version(text: &str) -> Version {
    text.parse().unwrap()
}

pub fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn usd() -> Currency {
    "USD".parse().unwrap()
}

pub fn rating(stars: u8) -> Rating {
    stars.try_into().unwrap()
}

pub fn basis_points(points: u16) -> BasisPoints {
    points.try_into().unwrap()
}

pub fn personal(text: &str) -> Personal {
    Personal::new(user_id(), text)
}

pub fn digest(letter: char) -> String {
    letter.to_string().repeat(64)
}

pub fn one_time(amount: i64) -> Pricing {
    Pricing::OneTime { amount, currency: usd() }
}

pub fn details() -> Details {
    Details {
        display_name: "Log Reader".to_owned(),
        kind: Kind::Skill,
        summary: "Reads logs and says what went wrong.".to_owned(),
        description: "# Log Reader\n\nPoint it at a file.".to_owned(),
        category: "observability".to_owned(),
        tags: vec!["logs".to_owned(), "kubernetes".to_owned()],
        license: "Apache-2.0 OR MIT".to_owned(),
        media: vec![Media { url: "https://example.org/shot.png".to_owned(), alt: "A log, read".to_owned() }],
        complexity: Some(Complexity::Beginner),
        setup_minutes: Some(5),
        requirements: vec!["A log".to_owned()],
    }
}

pub fn terms() -> Terms {
    Terms { max_devices: 2, max_downloads: Some(10), max_uses: None, permissions: Permissions::default() }
}

pub fn finding(severity: Severity) -> Finding {
    Finding {
        rule: "manifest.summary_short".to_owned(),
        severity,
        place: Some("summary".to_owned()),
        line: None,
        message: "The summary is short; say what it does.".to_owned(),
    }
}

pub fn step(name: &str, severities: &[Severity]) -> Step {
    let numbered = severities.iter().enumerate().map(|(index, severity)| match index {
        0 => finding(*severity),
        _ => Finding { rule: format!("manifest.flaw_{index}"), ..finding(*severity) },
    });
    Step::from_findings(name, numbered.collect())
}

pub fn registered() -> user::Event {
    user::Event::Registered { user_id: user_id(), email: personal("ada@example.org"), display_name: personal("Ada") }
}

pub fn vendor_registered() -> vendor::Event {
    vendor::Event::Registered {
        vendor_id: vendor_id(),
        owner_id: user_id(),
        name: "Engines".to_owned(),
        slug: "engines".to_owned(),
    }
}

pub fn created() -> plugin::Event {
    plugin::Event::Created {
        plugin_id: plugin_id(),
        vendor_id: vendor_id(),
        name: "Log_Reader".to_owned(),
        details: Box::new(details()),
        pricing: Pricing::Free,
        terms: terms(),
    }
}

pub fn submitted(text: &str) -> plugin::Event {
    submitted_with(text, None)
}

fn submitted_with(text: &str, signature: Option<VendorSignature>) -> plugin::Event {
    plugin::Event::VersionSubmitted {
        version: version(text),
        digest: digest('a'),
        size: 1_024,
        manifest: json!({ "name": "Log_Reader", "version": text, "nested": { "list": [1, 2.5, null] } }),
        signature,
        stripped: None,
    }
}

/// Of the right form; examples are not checked.
pub fn public_key() -> String {
    format!("{}=", "A".repeat(43))
}

pub fn vendor_key_id() -> VendorKeyId {
    VendorKeyId::of(vendor_id(), &public_key())
}

pub fn signature() -> VendorSignature {
    VendorSignature { key_id: vendor_key_id(), public_key: public_key(), signature: format!("{}==", "B".repeat(86)) }
}

pub fn key_registered() -> vendor::Event {
    vendor::Event::KeyRegistered { key_id: vendor_key_id(), public_key: public_key(), label: "Build server".to_owned() }
}

pub fn signed(text: &str) -> plugin::Event {
    submitted_with(text, Some(signature()))
}

pub fn approved(text: &str, previous: Option<&str>) -> plugin::Event {
    plugin::Event::VersionApproved {
        version: version(text),
        digest: digest('a'),
        validation_id: ValidationId::of(plugin_id(), &version(text)),
        confidence: Some(96),
        by: DecidedBy::Validation,
        previous_version: previous.map(version),
    }
}

pub fn rejected(text: &str) -> plugin::Event {
    plugin::Event::VersionRejected {
        version: version(text),
        confidence: None,
        by: DecidedBy::Moderator,
        reason: "It does not do what it says.".to_owned(),
    }
}

pub fn rolled_back(to: &str, from: Option<&str>) -> plugin::Event {
    plugin::Event::RolledBack {
        version: version(to),
        from_version: from.map(version),
        reason: "It loses lines.".to_owned(),
    }
}

pub fn yanked(text: &str) -> plugin::Event {
    plugin::Event::VersionYanked { version: version(text), reason: "It loses lines.".to_owned() }
}

pub fn requested() -> validation::Event {
    validation::Event::Requested {
        validation_id: validation_id(),
        plugin_id: plugin_id(),
        version: version("1.0.0"),
        digest: digest('a'),
        kind: Kind::Skill,
        pipeline: vec!["manifest".to_owned(), "artifact".to_owned()],
    }
}

pub fn completed(step: Step) -> validation::Event {
    validation::Event::StepCompleted { version: version("1.0.0"), step }
}

pub fn concluded(confidence: u8, verdict: Verdict) -> validation::Event {
    validation::Event::Concluded {
        version: version("1.0.0"),
        confidence,
        verdict,
        report: digest('b'),
        thresholds: Thresholds::default(),
    }
}

pub fn cross_checked(attempts: &[u16]) -> validation::Event {
    let check = validation::CrossCheck { samples: 3, attempts: attempts.to_vec() };
    validation::Event::CrossChecked { version: version("1.0.0"), check }
}

pub fn appealed() -> validation::Event {
    let reason = "It only calls the host that it names.".to_owned();
    validation::Event::Appealed { version: version("1.0.0"), vendor_id: vendor_id(), reason }
}

pub fn ruling(verdict: Verdict, on_appeal: bool) -> validation::Ruling {
    validation::Ruling { verdict, reason: "It phones home.".to_owned(), on_appeal }
}

pub fn adjudicated(verdict: Verdict, on_appeal: bool) -> validation::Event {
    validation::Event::Adjudicated { version: version("1.0.0"), ruling: ruling(verdict, on_appeal) }
}

pub fn checked() -> Checked {
    Checked { plugin_version: 7, license_version: Some(1) }
}

pub fn installed(text: &str, license: Option<LicenseId>, first: bool) -> installation::Event {
    installation::Event::Installed {
        user_id: user_id(),
        plugin_id: plugin_id(),
        vendor_id: vendor_id(),
        version: version(text),
        license_id: license,
        first,
        checked: checked(),
    }
}

pub fn execution() -> Execution {
    Execution {
        user_id: user_id(),
        plugin_id: plugin_id(),
        vendor_id: vendor_id(),
        version: version("1.0.0"),
        digest: "ab".repeat(32),
        mode: execution::Mode::Sync,
        seed: 42,
        license_id: None,
    }
}

pub fn execution_started() -> execution::Event {
    let checked = execution::Checked { plugin_version: 7, installation_version: 0, license_version: None };
    execution::Event::Started { execution: execution(), checked }
}

fn usage() -> execution::Usage {
    execution::Usage { duration_ms: 12, cpu_ms: 9, memory_bytes: 1_114_112 }
}

pub fn success() -> execution::Success {
    execution::Success { output_digest: "cd".repeat(32), output_size: 17, usage: usage() }
}

pub fn execution_succeeded() -> execution::Event {
    execution::Event::Succeeded { version: version("1.0.0"), success: success() }
}

pub fn failure() -> execution::Failure {
    execution::Failure { code: "time_exceeded".to_owned(), fault: execution::Fault::Plugin, usage: usage() }
}

pub fn execution_failed() -> execution::Event {
    execution::Event::Failed { version: version("1.0.0"), failure: failure() }
}

pub fn review_submitted() -> review::Event {
    review::Event::Submitted {
        user_id: user_id(),
        plugin_id: plugin_id(),
        vendor_id: vendor_id(),
        rating: rating(4),
        title: personal("Good"),
        body: personal("It reads logs."),
        installed_version: version("1.0.0"),
    }
}

/// Events in which every type occurs at least once.
pub fn all() -> Vec<DomainEvent> {
    let mut events = Vec::new();
    events.extend(accounts());
    events.extend(plugins());
    events.extend(validations());
    events.extend(installations_and_reviews());
    events.extend(money::sales());
    events.extend(money::money_back());
    events.extend(money::subscriptions_and_webhooks());
    events.extend(partners());
    events
}

pub fn scopes() -> partner::Scopes {
    partner::Scopes {
        types: ["plugin.*".to_owned(), "review.submitted".to_owned()].into(),
        vendors: [vendor_id()].into(),
        plugins: [].into(),
    }
}

pub fn partner_registered() -> partner::Event {
    let quotas = partner::Quotas::default();
    partner::Event::Registered { partner_id: id(13), name: "Mirrors".to_owned(), scopes: scopes(), quotas }
}

fn partners() -> Vec<DomainEvent> {
    let quotas = partner::Quotas { requests_per_minute: 60, streams: 1, webhooks: 0 };
    vec![
        partner_registered().into(),
        partner::Event::ScopesSet { scopes: scopes(), quotas }.into(),
        partner::Event::Suspended { reason: "Its contract is over.".to_owned() }.into(),
        partner::Event::Reinstated {}.into(),
        partner::Event::KeyIssued { key_id: id(14), label: "mirror 1".to_owned() }.into(),
        partner::Event::KeyRevoked { key_id: id(14) }.into(),
    ]
}

fn accounts() -> Vec<DomainEvent> {
    let holder = || Holder { holder_id: Uuid::from_u128(3) };
    vec![
        registered().into(),
        user::Event::RoleGranted { role: Role::Moderator }.into(),
        user::Event::RoleRevoked { role: Role::Moderator }.into(),
        user::Event::ApiKeyIssued { key_id: key_id(), label: personal("build") }.into(),
        user::Event::ErasureRequested { requested_at: time("2026-11-21T09:00:00Z") }.into(),
        user::Event::Erased { erased_at: time("2026-11-21T09:00:01Z") }.into(),
        user::Event::ApiKeyRevoked { key_id: key_id() }.into(),
        user::Event::Abandoned {}.into(),
        vendor_registered().into(),
        vendor::Event::Verified {}.into(),
        vendor::Event::Suspended { reason: "Complaints.".to_owned() }.into(),
        vendor::Event::CommissionSet {
            basis_points: basis_points(1_000),
            previous_basis_points: BasisPoints::DEFAULT_COMMISSION,
        }
        .into(),
        key_registered().into(),
        vendor::Event::KeyRevoked { key_id: vendor_key_id() }.into(),
        vendor::Event::Abandoned {}.into(),
        reservation::Event::NameReserved(holder()).into(),
        reservation::Event::NameReleased(holder()).into(),
        reservation::Event::SlugReserved(holder()).into(),
        reservation::Event::SlugReleased(holder()).into(),
        reservation::Event::EmailReserved(holder()).into(),
        reservation::Event::EmailReleased(holder()).into(),
    ]
}

fn plugins() -> Vec<DomainEvent> {
    vec![
        created().into(),
        plugin::Event::Described { details: Box::new(details()) }.into(),
        plugin::Event::Priced {
            pricing: Pricing::Subscription {
                amount: 900,
                currency: usd(),
                interval: Interval::Monthly,
                trial_days: None,
            },
            terms: Terms::default(),
            previous_pricing: one_time(4_900),
            previous_terms: terms(),
        }
        .into(),
        signed("1.0.0").into(),
        approved("1.0.0", None).into(),
        rejected("1.1.0").into(),
        yanked("1.0.0").into(),
        rolled_back("1.0.0", Some("1.1.0")).into(),
        plugin::Event::Suspended { reason: "Under review.".to_owned() }.into(),
        plugin::Event::Reinstated {}.into(),
        plugin::Event::Deprecated { message: "Use Log Writer.".to_owned() }.into(),
        plugin::Event::Transferred { from_vendor_id: vendor_id(), to_vendor_id: id(12) }.into(),
        plugin::Event::Abandoned {}.into(),
    ]
}

fn validations() -> Vec<DomainEvent> {
    let failed = Step { outcome: Outcome::Failed, ..step("artifact", &[Severity::Critical, Severity::Info]) };
    vec![
        requested().into(),
        completed(step("manifest", &[Severity::Low])).into(),
        completed(failed).into(),
        completed(Step::skipped("semantics")).into(),
        cross_checked(&[640, 655]).into(),
        concluded(98, Verdict::Approve).into(),
        validation::Event::Escalated { version: version("1.0.0"), reason: "Between the thresholds.".to_owned() }.into(),
        appealed().into(),
        adjudicated(Verdict::Reject, true).into(),
    ]
}

fn installations_and_reviews() -> Vec<DomainEvent> {
    vec![
        installed("1.0.0", None, true).into(),
        installation::Event::Upgraded {
            from_version: version("1.0.0"),
            to_version: version("1.1.0-rc.1+build.5"),
            license_id: Some(license_id()),
            checked: checked(),
        }
        .into(),
        installation::Event::Uninstalled { version: version("1.1.0") }.into(),
        installation::Event::Blocked {
            version: version("1.1.0"),
            license_id: license_id(),
            reason: "The license was revoked.".to_owned(),
        }
        .into(),
        execution_started().into(),
        execution_succeeded().into(),
        execution_failed().into(),
        review_submitted().into(),
        review::Event::Edited {
            rating: rating(5),
            previous_rating: rating(4),
            title: personal("Very good"),
            body: personal("It reads all logs."),
            hidden: false,
        }
        .into(),
        review::Event::Retracted { rating: rating(5), hidden: false }.into(),
        review::Event::Flagged { reason: personal("Advertising.") }.into(),
        review::Event::Unflagged { flags: 2 }.into(),
        review::Event::Hidden { rating: rating(5), reason: "Advertising.".to_owned() }.into(),
        review::Event::Restored { rating: rating(5) }.into(),
        review::Event::Replied { body: "Thank you.".to_owned() }.into(),
    ]
}
