//! Reliability and validations.

use chrono::{DateTime, Utc};
use serde::Serialize;
use souk_domain::validation::{Finding, Outcome, Thresholds, Verdict};
use souk_projections::reliability as rows;
use utoipa::ToSchema;
use uuid::Uuid;

use super::vocabulary;

/// How reliable a plugin is, and why.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Reliability {
    /// 0 to 100; null before the first concluded validation.
    pub score: Option<i64>,
    /// What the score is the sum of, held between 0 and 100.
    pub parts: ReliabilityParts,
    /// What moved it, the newest first, at most 200.
    pub history: Vec<ReliabilityChange>,
}

/// What a score is the sum of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReliabilityParts {
    /// The confidence of the validation that was concluded last.
    pub validation: Option<i64>,
    /// The version of that validation.
    pub version: Option<String>,
    /// Points of verified reviews.
    pub reviews: i64,
    /// Points of executions: (10 succeeded - 40 failed) / (20 + succeeded + failed).
    pub executions: i64,
    /// Executions that answered.
    pub succeeded: i64,
    /// Executions that did not, by the plugin's own fault.
    pub failed: i64,
    /// Points of cross-checks.
    pub cross_checks: i64,
}

/// A change of a score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReliabilityChange {
    /// When.
    pub at: DateTime<Utc>,
    /// Position of the event that caused it.
    pub position: i64,
    /// Type of the event that caused it; `executions` for those of a day.
    pub cause: String,
    /// The version that was validated, where that was the cause.
    pub version: Option<String>,
    /// By how much the score moved; null for the first one.
    pub delta: Option<i64>,
    /// The score since then.
    pub score: Option<i64>,
}

/// The validation of one version.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Validation {
    /// Which.
    pub id: Uuid,
    /// Of which version.
    pub version: String,
    /// SHA-256 of the archive, hex.
    pub digest: String,
    /// Where it stands.
    pub status: ValidationStatus,
    /// 0 to 100, once it is concluded.
    pub confidence: Option<i64>,
    /// What the pipeline said, once it is concluded.
    #[schema(value_type = Option<vocabulary::Verdict>)]
    pub verdict: Option<Verdict>,
    /// From which confidence on versions were approved or escalated.
    #[schema(value_type = Option<vocabulary::Thresholds>)]
    pub thresholds: Option<Thresholds>,
    /// SHA-256 of the full report, once it is concluded.
    pub report: Option<String>,
    /// Why a moderator was asked.
    pub escalated: Option<String>,
    /// What a moderator said.
    #[schema(value_type = Option<vocabulary::Verdict>)]
    pub adjudicated: Option<Verdict>,
    /// Why the moderator said so.
    pub adjudication: Option<String>,
    /// Names of all steps, in order.
    pub pipeline: Vec<String>,
    /// The steps that ran, in order.
    pub steps: Vec<ValidationStep>,
    /// When it began.
    pub requested_at: DateTime<Utc>,
    /// When it was concluded.
    pub concluded_at: Option<DateTime<Utc>>,
    /// The vendor's appeal against its rejection, if it made one.
    pub appeal: Option<Appeal>,
}

/// A vendor's appeal against a rejection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Appeal {
    /// Where it stands.
    pub state: AppealState,
    /// What the vendor says; for the vendor and moderators only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was made.
    pub appealed_at: DateTime<Utc>,
    /// When a moderator answered; `adjudication` says what.
    pub answered_at: Option<DateTime<Utc>>,
}

/// Where an appeal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AppealState {
    /// Waits for a moderator.
    Open,
    /// The rejection stands, for good.
    Upheld,
    /// The version was approved after all.
    Overturned,
}

/// Where a validation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValidationStatus {
    /// Steps are running.
    Running,
    /// The pipeline gave its verdict.
    Concluded,
    /// A moderator was asked.
    Escalated,
    /// A moderator decided.
    Adjudicated,
}

/// A step of a validation that ran.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationStep {
    /// Its name.
    #[schema(example = "manifest")]
    pub name: String,
    /// How it ended.
    #[schema(value_type = vocabulary::Outcome)]
    pub outcome: Outcome,
    /// Points it takes from the confidence.
    pub penalty: u8,
    /// What it found, worst first, at most 50.
    #[schema(value_type = Vec<vocabulary::Finding>)]
    pub findings: Vec<Finding>,
    /// How many findings there were in all.
    pub finding_count: u32,
    /// When it ended.
    pub completed_at: DateTime<Utc>,
}

impl From<rows::ReliabilityPage> for Reliability {
    fn from(row: rows::ReliabilityPage) -> Self {
        let rows::Parts { validation, version, reviews, executions, succeeded, failed, cross_checks } = row.parts;
        let change = |change: rows::Change| ReliabilityChange {
            at: change.at,
            position: change.position,
            cause: change.cause,
            version: change.version,
            delta: change.delta,
            score: change.score,
        };
        Self {
            score: row.score.map(Into::into),
            parts: ReliabilityParts {
                validation: validation.map(Into::into),
                version,
                reviews,
                executions,
                succeeded,
                failed,
                cross_checks,
            },
            history: row.history.into_iter().map(change).collect(),
        }
    }
}

impl From<rows::Validation> for Validation {
    fn from(row: rows::Validation) -> Self {
        let step = |step: rows::Step| ValidationStep {
            name: step.name,
            outcome: step.outcome,
            penalty: step.penalty,
            findings: step.findings,
            finding_count: step.finding_count,
            completed_at: step.completed_at,
        };
        Self {
            id: row.id,
            version: row.version,
            digest: row.digest,
            status: match row.status {
                rows::ValidationStatus::Running => ValidationStatus::Running,
                rows::ValidationStatus::Concluded => ValidationStatus::Concluded,
                rows::ValidationStatus::Escalated => ValidationStatus::Escalated,
                rows::ValidationStatus::Adjudicated => ValidationStatus::Adjudicated,
            },
            confidence: row.confidence.map(Into::into),
            verdict: row.verdict,
            thresholds: row.thresholds,
            report: row.report,
            escalated: row.escalated,
            adjudicated: row.adjudicated,
            adjudication: row.adjudication,
            pipeline: row.pipeline,
            steps: row.steps.into_iter().map(step).collect(),
            requested_at: row.requested_at,
            concluded_at: row.concluded_at,
            appeal: row.appeal.map(Into::into),
        }
    }
}

impl Validation {
    /// What everyone may see of it.
    #[must_use]
    pub fn public(mut self) -> Self {
        if let Some(appeal) = &mut self.appeal {
            appeal.reason = None;
        }
        self
    }
}

impl From<rows::Appeal> for Appeal {
    fn from(row: rows::Appeal) -> Self {
        Self {
            state: match row.state {
                rows::AppealState::Open => AppealState::Open,
                rows::AppealState::Upheld => AppealState::Upheld,
                rows::AppealState::Overturned => AppealState::Overturned,
            },
            reason: Some(row.reason),
            appealed_at: row.appealed_at,
            answered_at: row.answered_at,
        }
    }
}
