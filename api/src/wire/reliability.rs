//! Reliability and validations.

use chrono::{DateTime, NaiveDate, Utc};
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
    /// What moved it, the newest first, at most 200; `GET /plugins/{plugin}/reliability/history` has all.
    pub history: Vec<ReliabilityChange>,
    /// How validations and executions went.
    pub metrics: ReliabilityMetrics,
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

/// A change of a score: what an event adds to its part of it, and what became of the score.
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
    /// What it adds to its part of the score.
    pub points: i64,
    /// The score before; null while nothing was validated.
    pub before: Option<i64>,
    /// By how much the score moved; null for the first one.
    pub delta: Option<i64>,
    /// The score since then.
    pub score: Option<i64>,
    /// Whether a bound kept the score from moving by `points`: that of the score, or that of the reviews.
    pub clamped: bool,
    /// Executions of the day that answered; null where executions are not the cause.
    pub succeeded: Option<i64>,
    /// Executions of the day that did not, by the plugin's own fault; null where executions are not the cause.
    pub failed: Option<i64>,
}

/// How validations and executions of a plugin went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct ReliabilityMetrics {
    /// How far independent runs of the same samples agreed.
    pub consensus: ConsensusOverTime,
    /// Each cross-check, the newest first, at most 100.
    pub agreement: Vec<Agreement>,
    /// What failed, by what it has in common.
    pub failures: FailurePatterns,
}

/// How far cross-checks agreed, in all and by day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct ConsensusOverTime {
    /// Over all cross-checks.
    pub total: Consensus,
    /// By day, the newest first; days without cross-checks are left out, and at most 100 are told.
    pub days: Vec<ConsensusDay>,
}

/// The cross-checks of a UTC day.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ConsensusDay {
    /// Which.
    pub day: NaiveDate,
    /// How far they agreed.
    #[serde(flatten)]
    pub consensus: Consensus,
}

/// How far cross-checks agreed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Consensus {
    /// How many cross-checks there were.
    pub checks: i64,
    /// Their mean, 0 to 1; null without any.
    pub mean: Option<f64>,
    /// How many agreed above 0.95, 0.9, 0.8 and 0.7, in this order; who agrees above one agrees above the next as well.
    pub levels: Vec<ConsensusLevel>,
    /// How many were tried again, since they did not agree at first.
    pub retried: i64,
}

/// How many cross-checks agreed above a level.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ConsensusLevel {
    /// The level, 0 to 1.
    pub above: f64,
    /// How many.
    pub count: i64,
    /// How many of all, 0 to 1; null without any.
    pub rate: Option<f64>,
}

/// How far reviewer and executor agreed on a version: two runs of its samples, in another order and with other seeds.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Agreement {
    /// Position of the event.
    pub position: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Of which version.
    pub version: String,
    /// Samples that were run.
    pub samples: i64,
    /// The consensus that counts, that of the last attempt, 0 to 1.
    pub consensus: f64,
    /// The consensus of each attempt, 0 to 1.
    pub attempts: Vec<f64>,
    /// Whether it was tried again.
    pub retried: bool,
    /// Whether a moderator was asked about the version, for whatever reason.
    pub escalated: bool,
    /// What the moderator said.
    #[schema(value_type = Option<vocabulary::Verdict>)]
    pub adjudicated: Option<Verdict>,
}

/// What failed, by what it has in common. The most frequent first, at most 100 of each sort.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct FailurePatterns {
    /// Executions that did not answer, whoever's fault it was.
    pub executions: Vec<ExecutionPattern>,
    /// What validations found that costs something. Of a step at most 50 findings are counted.
    pub validations: Vec<FindingPattern>,
}

/// Executions that failed alike.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ExecutionPattern {
    /// Stable code, as in `details.reason` of `execution_failed`.
    #[schema(example = "time_exceeded")]
    pub code: String,
    /// Whose fault it was: `plugin`, `caller` or `platform`. Only the plugin's moves its reliability.
    #[schema(example = "plugin")]
    pub fault: String,
    /// How often, and when.
    #[serde(flatten)]
    pub occurrence: Occurrence,
}

/// Findings of one rule.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FindingPattern {
    /// Stable id of the rule.
    #[schema(example = "manifest.address_not_https")]
    pub rule: String,
    /// How bad it was.
    #[schema(value_type = vocabulary::Severity)]
    pub severity: String,
    /// How often, and when.
    #[serde(flatten)]
    pub occurrence: Occurrence,
}

/// How often something was seen, and when.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Occurrence {
    /// How often.
    pub count: i64,
    /// How much of all of its sort, 0 to 1.
    pub share: f64,
    /// When it was seen first.
    pub first_seen: DateTime<Utc>,
    /// When it was seen last.
    pub last_seen: DateTime<Utc>,
    /// How many versions have it.
    pub version_count: i64,
    /// Those versions, the one that had it last first, at most 20.
    pub versions: Vec<String>,
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

impl From<rows::Change> for ReliabilityChange {
    fn from(row: rows::Change) -> Self {
        let rows::Change { at, position, cause, version, points, before, delta, score, clamped, succeeded, failed } =
            row;
        Self { at, position, cause, version, points, before, delta, score, clamped, succeeded, failed }
    }
}

impl From<rows::ReliabilityPage> for Reliability {
    fn from(row: rows::ReliabilityPage) -> Self {
        let rows::Parts { validation, version, reviews, executions, succeeded, failed, cross_checks } = row.parts;
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
            history: row.history.into_iter().map(Into::into).collect(),
            metrics: row.metrics.into(),
        }
    }
}

impl From<rows::Metrics> for ReliabilityMetrics {
    fn from(row: rows::Metrics) -> Self {
        let day = |row: rows::Consensus| row.day.map(|day| ConsensusDay { day, consensus: row.into() });
        let executions = |row: rows::Pattern| ExecutionPattern {
            code: row.code.clone(),
            fault: row.nature.clone(),
            occurrence: row.into(),
        };
        let validations = |row: rows::Pattern| FindingPattern {
            rule: row.code.clone(),
            severity: row.nature.clone(),
            occurrence: row.into(),
        };
        Self {
            consensus: ConsensusOverTime {
                total: row.consensus.into(),
                days: row.days.into_iter().filter_map(day).collect(),
            },
            agreement: row.agreement.into_iter().map(Into::into).collect(),
            failures: FailurePatterns {
                executions: row.executions.into_iter().map(executions).collect(),
                validations: row.validations.into_iter().map(validations).collect(),
            },
        }
    }
}

impl From<rows::Consensus> for Consensus {
    #[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 cross-checks")]
    fn from(row: rows::Consensus) -> Self {
        let level = |above: f64, count: i64| ConsensusLevel {
            above,
            count,
            rate: (row.checks > 0).then(|| (count as f64 / row.checks as f64 * 1_000.0).round() / 1_000.0),
        };
        Self {
            checks: row.checks,
            mean: row.mean,
            levels: vec![
                level(0.95, row.above_950),
                level(0.9, row.above_900),
                level(0.8, row.above_800),
                level(0.7, row.above_700),
            ],
            retried: row.retried,
        }
    }
}

impl From<rows::Agreement> for Agreement {
    fn from(row: rows::Agreement) -> Self {
        Self {
            position: row.position,
            at: row.at,
            version: row.version,
            samples: row.samples,
            consensus: f64::from(row.consensus) / 1_000.0,
            retried: row.attempts.len() > 1,
            attempts: row.attempts.into_iter().map(|thousandths| f64::from(thousandths) / 1_000.0).collect(),
            escalated: row.escalated,
            adjudicated: row.adjudicated,
        }
    }
}

impl From<rows::Pattern> for Occurrence {
    fn from(row: rows::Pattern) -> Self {
        let rows::Pattern { count, share, first_at, last_at, version_count, versions, .. } = row;
        Self { count, share, first_seen: first_at, last_seen: last_at, version_count, versions }
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
