//! One step of a validation: its outcome, what it found, and what that costs.

use std::collections::BTreeMap;

use semver::Version;
use serde::{Deserialize, Deserializer, Serialize, de::MapAccess};

use crate::beside::{self, Beside, once, required};

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

/// What `validation.step_completed` has beside its step.
#[derive(Default)]
struct Of {
    version: Option<Version>,
}

impl Beside for Of {
    const NAMES: &'static [&'static str] = &["version"];

    fn take<'de, M: MapAccess<'de>>(&mut self, place: usize, map: &mut M) -> Result<(), M::Error> {
        once(&mut self.version, Self::NAMES[place], map)
    }
}

/// Reads `validation.step_completed`: of which version, and the step.
pub(super) fn step_completed<'de, D: Deserializer<'de>>(document: D) -> Result<(Version, Step), D::Error> {
    let (Of { version }, step) = beside::read(document)?;
    Ok((required(version, "version")?, step))
}

impl Step {
    /// As many findings as an event carries; the report artifact has all.
    pub const MAX_FINDINGS: usize = 50;

    /// The outcome that `findings` amount to: the worst first, the rest after them in the order given, and no more
    /// than an event carries.
    #[must_use]
    pub fn from_findings(name: impl Into<String>, mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let finding_count = u32::try_from(findings.len()).unwrap_or(u32::MAX);
        let penalty = penalty(&findings);
        let blocked = findings.first().is_some_and(|worst| worst.severity == Severity::Critical);
        findings.truncate(Self::MAX_FINDINGS);
        Self {
            name: name.into(),
            outcome: if blocked { Outcome::Failed } else { Outcome::Passed },
            penalty,
            findings,
            finding_count,
        }
    }

    /// A step that does not apply, and counts neither way.
    #[must_use]
    pub fn skipped(name: impl Into<String>) -> Self {
        Self { name: name.into(), outcome: Outcome::Skipped, penalty: 0, findings: vec![], finding_count: 0 }
    }

    pub(super) fn blocks(&self) -> bool {
        self.outcome == Outcome::Failed || self.findings.iter().any(|finding| finding.severity == Severity::Critical)
    }
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
    /// Which line of the file, from 1; none when the whole is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
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

impl Severity {
    /// Points that one such finding takes from the confidence.
    #[must_use]
    pub const fn penalty(self) -> u8 {
        match self {
            Self::Info => 0,
            Self::Low => 2,
            Self::Medium => 8,
            Self::High => 25,
            Self::Critical => 100,
        }
    }
}

/// Points that findings take together, at most 100. A rule counts once, at its worst: the same flaw in a hundred files is one flaw.
#[must_use]
pub fn penalty(findings: &[Finding]) -> u8 {
    let mut worst = BTreeMap::new();
    for finding in findings {
        let known = worst.entry(finding.rule.as_str()).or_insert(finding.severity);
        *known = (*known).max(finding.severity);
    }
    worst.into_values().fold(0_u8, |sum, severity| sum.saturating_add(severity.penalty())).min(100)
}
