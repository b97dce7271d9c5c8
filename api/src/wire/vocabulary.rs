//! Words and small shapes that the domain reads and writes itself; here they are only described.

use utoipa::ToSchema;

/// What sort of asset a plugin is.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a type of the domain")]
pub enum Kind {
    Agent,
    Skill,
    Command,
    Plugin,
    McpServer,
    Workflow,
    Asset,
}

/// How hard a plugin is to set up.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a type of the domain")]
pub enum Complexity {
    Beginner,
    Intermediate,
    Advanced,
}

/// What a plugin costs.
#[derive(ToSchema)]
#[schema(example = json!({"model": "one_time", "amount": 4900, "currency": "USD"}))]
#[expect(dead_code, reason = "describes a type of the domain")]
pub struct Pricing {
    /// How it is paid.
    model: PricingModel,
    /// Minor units, at least 1; not for `free`.
    amount: Option<i64>,
    /// ISO 4217 code; not for `free`.
    currency: Option<String>,
    /// For `subscription` only.
    interval: Option<Interval>,
    /// For `subscription` only: days that are free before the first payment, 1 to 365; once a user and plugin.
    #[schema(rename = "trialDays")]
    trial_days: Option<u32>,
}

/// How a plugin is paid.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a type of the domain")]
pub enum PricingModel {
    Free,
    OneTime,
    Subscription,
}

/// How often a subscription is paid.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a type of the domain")]
pub enum Interval {
    Monthly,
    Yearly,
}

/// What a license of a plugin allows; what is absent has its default.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes a type of the domain")]
pub struct Terms {
    /// On how many machines at once; 3 when absent.
    max_devices: Option<u32>,
    /// How many downloads; unlimited when absent.
    max_downloads: Option<u32>,
    /// How many uses may be counted; unlimited when absent.
    max_uses: Option<u64>,
    /// What else the holder may do.
    permissions: Option<Permissions>,
}

/// What the holder of a license may do.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes a type of the domain")]
pub struct Permissions {
    /// Download the archive; true when absent.
    download: Option<bool>,
    /// Use it for money; true when absent.
    commercial_use: Option<bool>,
    /// Pass it on; false when absent.
    redistribution: Option<bool>,
    /// Change it; false when absent.
    modification: Option<bool>,
}

/// A picture or a film of a plugin.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a type of the domain")]
pub struct Media {
    /// An https address.
    url: String,
    /// A text for who cannot see it.
    alt: Option<String>,
}

/// What a validation found.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a type of the domain")]
pub struct Finding {
    /// Stable id of the rule.
    #[schema(example = "artifact.path_escapes")]
    rule: String,
    /// How bad.
    severity: Severity,
    /// Where: a path in the archive or a field of the manifest.
    place: Option<String>,
    /// Which line of the file, from 1; absent when the whole is meant.
    line: Option<u32>,
    /// What, and what to do about it.
    message: String,
}

/// How bad a finding is.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a type of the domain")]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

/// How a step of a validation ended.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a type of the domain")]
pub enum Outcome {
    Passed,
    Failed,
    Skipped,
}

/// What to do with a version.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a type of the domain")]
pub enum Verdict {
    Approve,
    Escalate,
    Reject,
}

/// From which confidence on a version is approved or escalated.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a type of the domain")]
pub struct Thresholds {
    /// At least this: approved.
    approve: u8,
    /// At least this: a human decides; below: rejected.
    escalate: u8,
}

/// What an account may do beyond what everyone may.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a type of the domain")]
pub enum Role {
    Customer,
    Vendor,
    Moderator,
    Admin,
}

/// Through what an order is paid.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a type of the domain")]
pub enum Gateway {
    Manual,
    Stripe,
    Razorpay,
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};
    use souk_domain::{listing, order, user, validation};
    use utoipa::PartialSchema;

    use super::*;

    /// Every word that the description names is one that the domain reads.
    fn is_read_by<D: DeserializeOwned, S: PartialSchema>() {
        let schema = serde_json::to_value(S::schema()).unwrap();
        let words = schema["enum"].as_array().unwrap_or_else(|| panic!("no words in {schema}"));
        for word in words {
            assert!(serde_json::from_value::<D>(word.clone()).is_ok(), "the domain does not know {word}");
        }
    }

    #[test]
    fn the_words_are_those_of_the_domain() {
        is_read_by::<listing::Kind, Kind>();
        is_read_by::<listing::Complexity, Complexity>();
        is_read_by::<listing::Interval, Interval>();
        is_read_by::<validation::Severity, Severity>();
        is_read_by::<validation::Outcome, Outcome>();
        is_read_by::<validation::Verdict, Verdict>();
        is_read_by::<user::Role, Role>();
        is_read_by::<order::Gateway, Gateway>();
    }

    fn fields<S: PartialSchema>() -> Vec<String> {
        let schema = serde_json::to_value(S::schema()).unwrap();
        schema["properties"].as_object().unwrap().keys().cloned().collect()
    }

    fn keys(value: &Value) -> Vec<String> {
        let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    }

    #[test]
    fn the_shapes_are_those_of_the_domain() {
        // What is left out when it is absent is there here.
        let terms = listing::Terms { max_uses: Some(5), ..listing::Terms::default() };
        let terms = serde_json::to_value(terms).unwrap();
        assert_eq!(fields::<Terms>(), keys(&terms));
        assert_eq!(fields::<Permissions>(), keys(&terms["permissions"]));
        let pricing =
            json!({"model": "subscription", "amount": 900, "currency": "USD", "interval": "monthly", "trialDays": 14});
        let pricing: listing::Pricing = serde_json::from_value(pricing).unwrap();
        assert_eq!(fields::<Pricing>(), keys(&serde_json::to_value(pricing).unwrap()));
        let thresholds = serde_json::to_value(validation::Thresholds::default()).unwrap();
        assert_eq!(fields::<Thresholds>(), keys(&thresholds));
    }
}
