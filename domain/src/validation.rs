//! The validation of one version: an ordered list of steps, a confidence, a verdict.

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{
    id::{PluginId, ValidationId},
    listing::Kind,
};

/// A validation as its events tell it.
#[derive(Clone, Debug, Default)]
pub enum State {
    /// Never asked for.
    #[default]
    Absent,
    /// Under way or over.
    Requested(Validation),
}

/// A validation that was asked for.
#[derive(Clone, Debug)]
pub struct Validation {
    /// Which.
    pub id: ValidationId,
    /// Of which plugin.
    pub plugin: PluginId,
    /// Of which version.
    pub version: Version,
    /// Names of the steps, in order.
    pub pipeline: Vec<String>,
    /// Steps that ran, in order.
    pub completed: Vec<Step>,
    /// What came out, once it is over.
    pub conclusion: Option<Conclusion>,
    /// Whether a human was asked.
    pub escalated: bool,
    /// What the human said.
    pub adjudicated: Option<Verdict>,
}

/// The outcome of one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Its name, e.g. `manifest`.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Points it takes from the confidence, 0 to 100.
    pub penalty: u8,
    /// What it found, worst first, at most [`Step::MAX_FINDINGS`].
    pub findings: Vec<Finding>,
    /// How many findings there were in all.
    pub finding_count: u32,
}

impl Step {
    /// As many findings as an event carries; the report artifact has all.
    pub const MAX_FINDINGS: usize = 50;
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing found that blocks.
    Passed,
    /// Something found that blocks.
    Failed,
    /// Does not apply to this kind.
    Skipped,
}

/// One thing that a step found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Stable id of the rule, e.g. `artifact.path_escapes`.
    pub rule: String,
    /// How bad.
    pub severity: Severity,
    /// Where: a path in the archive or a field of the manifest.
    #[serde(default)]
    pub place: Option<String>,
    /// What, and what to do about it.
    pub message: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; costs nothing.
    Info,
    /// Costs 2 points.
    Low,
    /// Costs 8 points.
    Medium,
    /// Costs 25 points.
    High,
    /// Blocks: costs all 100.
    Critical,
}

/// What to do with a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Let it be installed.
    Approve,
    /// Ask a human.
    Escalate,
    /// Refuse it.
    Reject,
}

/// What came out of a validation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// 0 to 100.
    pub confidence: u8,
    /// What to do.
    pub verdict: Verdict,
    /// SHA-256 of the report artifact.
    pub report: String,
}

/// From which confidence on a version is approved or escalated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Thresholds {
    /// At least this: approved.
    pub approve: u8,
    /// At least this, but under `approve`: a human decides. Below: rejected.
    pub escalate: u8,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { approve: 90, escalate: 70 }
    }
}

/// What can be asked of a validation.
#[derive(Clone, Debug)]
pub enum Command {
    /// Begin.
    Request {
        /// Which.
        id: ValidationId,
        /// Of which plugin.
        plugin: PluginId,
        /// Of which version.
        version: Version,
        /// SHA-256 of the archive.
        digest: String,
        /// The plugin's kind.
        kind: Kind,
        /// Names of the steps, in order.
        pipeline: Vec<String>,
    },
    /// Record a step.
    CompleteStep {
        /// What came out.
        step: Step,
    },
    /// Sum up; every step must have run.
    Conclude {
        /// SHA-256 of the report artifact.
        report: String,
        /// From when on what happens.
        thresholds: Thresholds,
    },
    /// Ask a human.
    Escalate {
        /// Why.
        reason: String,
    },
    /// A human's verdict.
    Adjudicate {
        /// Approve or reject.
        verdict: Verdict,
        /// Why.
        reason: String,
    },
}

/// What happens in a validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// It began.
    #[serde(rename = "validation.requested", rename_all = "camelCase")]
    Requested {
        /// Which.
        validation_id: ValidationId,
        /// Of which plugin.
        plugin_id: PluginId,
        /// Of which version.
        version: Version,
        /// SHA-256 of the archive.
        digest: String,
        /// The plugin's kind.
        kind: Kind,
        /// Names of the steps, in order.
        pipeline: Vec<String>,
    },
    /// A step ran.
    #[serde(rename = "validation.step_completed", rename_all = "camelCase")]
    StepCompleted {
        /// Of which version.
        version: Version,
        /// What came out.
        #[serde(flatten)]
        step: Step,
    },
    /// It is over.
    #[serde(rename = "validation.concluded", rename_all = "camelCase")]
    Concluded {
        /// Of which version.
        version: Version,
        /// 0 to 100.
        confidence: u8,
        /// What to do.
        verdict: Verdict,
        /// SHA-256 of the report artifact.
        report: String,
        /// The thresholds that made the verdict.
        thresholds: Thresholds,
    },
    /// A human was asked.
    #[serde(rename = "validation.escalated", rename_all = "camelCase")]
    Escalated {
        /// Of which version.
        version: Version,
        /// Why.
        reason: String,
    },
    /// A human decided.
    #[serde(rename = "validation.adjudicated", rename_all = "camelCase")]
    Adjudicated {
        /// Of which version.
        version: Version,
        /// Approve or reject.
        verdict: Verdict,
        /// Why.
        reason: String,
    },
}

/// Why a validation refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nobody asked for it.
    #[error("this validation was never requested")]
    NotRequested,
    /// Another version or archive has this id.
    #[error("this validation is of another version")]
    AlreadyRequested,
    /// The step is not the next one.
    #[error("step `{0}` is not the next one of the pipeline")]
    UnexpectedStep(String),
    /// Steps are missing.
    #[error("step `{0}` has not run yet")]
    StepsMissing(String),
    /// It is over.
    #[error("this validation is concluded")]
    AlreadyConcluded,
    /// It is not over yet.
    #[error("this validation is not concluded yet")]
    NotConcluded,
    /// A human approves or rejects.
    #[error("a verdict is to approve or to reject")]
    VerdictNotFinal,
    /// Another human was faster and said otherwise.
    #[error("this validation was adjudicated otherwise already")]
    AlreadyAdjudicated,
}
