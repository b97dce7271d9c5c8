//! What waits for moderators, what they decide, and what vendors say against it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use souk_app::plugins::Appealed;
use souk_domain::validation::{Ruling as Said, Verdict};
use souk_projections::moderation as rows;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    catalogue::{PluginVendor, Version},
    library::PluginRef,
    reliability::{AppealState, Validation},
    reviews::Review,
    vocabulary,
};

/// Something that waits, or waited, for a moderator.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModerationItem {
    /// Of the validation or the review that is to be decided about.
    pub id: Uuid,
    /// What is to be decided about.
    #[serde(rename = "type")]
    pub subject: ModerationType,
    /// Why a moderator was asked last.
    pub why: ModerationCause,
    /// What was said by whoever asked last: the pipeline's reason, the vendor's appeal, or the last report;
    /// `[erased]` when whoever reported it is.
    pub reason: String,
    /// How often one was asked while it waited.
    pub reports: i32,
    /// The plugin.
    pub plugin: PluginRef,
    /// Its vendor.
    pub vendor: PluginVendor,
    /// Of versions: which.
    pub version: Option<String>,
    /// Of versions: 0 to 100.
    pub confidence: Option<i64>,
    /// Of versions: how much was found.
    pub findings: Option<FindingCounts>,
    /// Since when it waits, or waited.
    pub waiting_since: DateTime<Utc>,
    /// Position of the event since which it waits.
    pub position: i64,
    /// Whether it waits.
    pub state: ModerationState,
    /// What became of it; null while it waits.
    pub decision: Option<Decision>,
    /// The moderator who decided; null where it was no moderator.
    pub decided_by: Option<Uuid>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
}

/// What is to be decided about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModerationType {
    /// A version of a plugin.
    Version,
    /// A review.
    Review,
}

/// Why a moderator is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModerationCause {
    /// The pipeline left a version to a human.
    Escalated,
    /// A vendor appealed against a rejection.
    Appealed,
    /// Somebody reported a review.
    Flagged,
}

/// Whether something waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModerationState {
    /// It waits.
    #[default]
    Open,
    /// It does not wait any more.
    Decided,
}

/// What a moderator decided, or what else became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The version can be installed.
    Approved,
    /// The version does not install.
    Rejected,
    /// On appeal, the version can be installed after all.
    Overturned,
    /// Also after the appeal, the version never installs.
    Upheld,
    /// The review stands.
    Kept,
    /// The review is hidden.
    Hidden,
    /// The review shows again.
    Restored,
    /// Its author wrote the review anew.
    Edited,
    /// Its author took the review back.
    Retracted,
}

/// How many findings of which severity there are, of the worst 50 of each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FindingCounts {
    /// Blocks.
    pub critical: i64,
    /// Costs 25 points.
    pub high: i64,
    /// Costs 8 points.
    pub medium: i64,
    /// Costs 2 points.
    pub low: i64,
    /// Costs nothing.
    pub info: i64,
}

/// Everything there is to decide by.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModerationCase {
    /// What waits.
    #[serde(flatten)]
    pub item: ModerationItem,
    /// What moderators decided about it so far, the first first.
    pub decisions: Vec<DecisionMade>,
    /// Of versions: steps, findings, verdict, digest of the report, and the appeal.
    pub validation: Option<Validation>,
    /// Of versions with samples that were run.
    pub cross_check: Option<CrossCheck>,
    /// Of reviews: what it says, unless it was taken back.
    pub review: Option<Review>,
}

/// What a moderator decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionMade {
    /// What.
    pub decision: Decision,
    /// Why, where a reason was given.
    pub reason: Option<String>,
    /// Which moderator; null at the command line of the server.
    pub decided_by: Option<Uuid>,
    /// When.
    pub decided_at: DateTime<Utc>,
    /// Position of the event.
    pub position: i64,
}

/// How far two runs of a version's samples agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CrossCheck {
    /// Samples that were run.
    pub samples: i64,
    /// The consensus of each attempt, thousandths; the last one counts.
    pub attempts: Vec<u16>,
}

/// The body of an approval. It may be left out as a whole.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Why, 1 to 1,000 characters.
    #[serde(default)]
    pub reason: Option<String>,
    /// Whether it answers the vendor's appeal, and overturns the rejection.
    #[serde(default)]
    pub on_appeal: bool,
}

/// The body of a rejection.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rejection {
    /// Why, 1 to 1,000 characters.
    pub reason: String,
    /// Whether it answers the vendor's appeal, and upholds the rejection.
    #[serde(default)]
    pub on_appeal: bool,
}

/// A version that a moderator decided about.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct JudgedVersion {
    /// Where it stands.
    #[serde(flatten)]
    pub version: Version,
    /// What a moderator said of it last; null where the pipeline itself had decided so.
    pub adjudication: Option<Adjudication>,
}

/// What a moderator said of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Adjudication {
    /// Approve or reject.
    #[schema(value_type = vocabulary::Verdict)]
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// Whether it answered the vendor's appeal.
    pub on_appeal: bool,
}

/// The body of an appeal.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AppealReason {
    /// What speaks against the rejection, 1 to 5,000 characters. The vendor and moderators read it, nobody else.
    pub reason: String,
}

/// An appeal that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppealMade {
    /// The validation that is appealed.
    pub validation_id: Uuid,
    /// Of which version.
    #[schema(example = "1.0.0")]
    pub version: String,
    /// Where it stands.
    pub state: AppealState,
    /// What the vendor says.
    pub reason: String,
    /// What a moderator said to it.
    pub answer: Option<Adjudication>,
}

impl JudgedVersion {
    /// A version as `shown`, and what was said of it.
    #[must_use]
    pub fn of(version: Version, ruling: Option<Said>) -> Self {
        Self { version, adjudication: ruling.map(Into::into) }
    }
}

impl From<Said> for Adjudication {
    fn from(said: Said) -> Self {
        Self { verdict: said.verdict, reason: said.reason, on_appeal: said.on_appeal }
    }
}

impl From<Appealed> for AppealMade {
    fn from(appealed: Appealed) -> Self {
        let state = match appealed.appeal.answer.as_ref().map(|answer| answer.verdict) {
            None => AppealState::Open,
            Some(Verdict::Approve) => AppealState::Overturned,
            Some(Verdict::Reject | Verdict::Escalate) => AppealState::Upheld,
        };
        Self {
            validation_id: appealed.validation.uuid(),
            version: appealed.version.to_string(),
            state,
            reason: appealed.appeal.reason,
            answer: appealed.appeal.answer.map(Into::into),
        }
    }
}

impl From<ModerationType> for rows::Subject {
    fn from(subject: ModerationType) -> Self {
        match subject {
            ModerationType::Version => Self::Version,
            ModerationType::Review => Self::Review,
        }
    }
}

impl From<ModerationState> for rows::QueueState {
    fn from(state: ModerationState) -> Self {
        match state {
            ModerationState::Open => Self::Open,
            ModerationState::Decided => Self::Decided,
        }
    }
}

impl From<rows::Decision> for Decision {
    fn from(decision: rows::Decision) -> Self {
        match decision {
            rows::Decision::Approved => Self::Approved,
            rows::Decision::Rejected => Self::Rejected,
            rows::Decision::Overturned => Self::Overturned,
            rows::Decision::Upheld => Self::Upheld,
            rows::Decision::Kept => Self::Kept,
            rows::Decision::Hidden => Self::Hidden,
            rows::Decision::Restored => Self::Restored,
            rows::Decision::Edited => Self::Edited,
            rows::Decision::Retracted => Self::Retracted,
        }
    }
}

impl From<rows::Findings> for FindingCounts {
    fn from(found: rows::Findings) -> Self {
        let rows::Findings { critical, high, medium, low, info } = found;
        Self { critical, high, medium, low, info }
    }
}

impl From<rows::Item> for ModerationItem {
    fn from(row: rows::Item) -> Self {
        let subject = match row.subject {
            rows::Subject::Version => ModerationType::Version,
            rows::Subject::Review => ModerationType::Review,
        };
        Self {
            id: row.id,
            subject,
            why: match row.why {
                rows::Why::Escalated => ModerationCause::Escalated,
                rows::Why::Appealed => ModerationCause::Appealed,
                rows::Why::Flagged => ModerationCause::Flagged,
            },
            reason: row.reason,
            reports: row.reports,
            plugin: row.plugin.into(),
            vendor: row.vendor.into(),
            version: row.version,
            confidence: row.confidence.map(Into::into),
            findings: (subject == ModerationType::Version).then(|| row.findings.into()),
            waiting_since: row.since,
            position: row.opened,
            state: if row.decision.is_some() { ModerationState::Decided } else { ModerationState::Open },
            decision: row.decision.map(Into::into),
            decided_by: row.decided_by,
            decided_at: row.decided_at,
        }
    }
}

impl From<rows::Case> for ModerationCase {
    fn from(case: rows::Case) -> Self {
        let decided = |row: rows::Decided| DecisionMade {
            decision: row.decision.into(),
            reason: row.reason,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            position: row.position,
        };
        let check = |check: rows::CrossCheck| CrossCheck { samples: check.samples, attempts: check.attempts };
        Self {
            item: case.item.into(),
            decisions: case.decisions.into_iter().map(decided).collect(),
            validation: case.validation.map(Into::into),
            cross_check: case.cross_check.map(check),
            review: case.review.map(Into::into),
        }
    }
}
