//! The report of a run: everything that was found, in bytes that depend on nothing but the input.

use serde::Serialize;
use serde_json::json;
use souk_domain::{
    listing::Kind,
    validation::{CrossCheck, Finding, Outcome, Severity},
};
use souk_inspect::{
    catalogue::{self, Owasp},
    risk::{self, Risk},
};
use souk_package::archive::Archive;

use super::{Gathered, Input, signature};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    schema_version: u32,
    name: &'a str,
    kind: Kind,
    version: String,
    digest: &'a str,
    size: u64,
    /// 100 minus the penalties. What it means depends on thresholds, which are the operator's.
    confidence: u8,
    /// Rules that refuse the version, whatever the thresholds.
    blocked_by: Vec<String>,
    /// What could happen, apart from how sure one is.
    risk: Risk,
    /// The vendor's signature, the key that made it, and whether it verifies.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<serde_json::Value>,
    steps: Vec<Part<'a>>,
    /// How far two runs of the samples agreed, thousandths.
    #[serde(skip_serializing_if = "Option::is_none")]
    cross_check: Option<&'a CrossCheck>,
    /// The files of the archive with their sizes and digests; empty when it was not safe to read.
    files: Vec<serde_json::Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    name: &'a str,
    outcome: Outcome,
    penalty: u8,
    /// Why it was skipped, where that is not plain from the kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    findings: Vec<Told<'a>>,
}

/// A finding with what the catalogue says of its rule.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owasp: Option<&'static str>,
}

/// Writes the report; `parts` are the steps with all their findings.
pub(super) fn write(
    input: &Input,
    parts: &[super::Part],
    gathered: &Gathered,
    cross_check: Option<&CrossCheck>,
) -> Vec<u8> {
    let all: Vec<Finding> = parts.iter().flat_map(|part| part.findings.iter().cloned()).collect();
    let penalty = parts.iter().fold(0_u8, |sum, part| sum.saturating_add(part.step.penalty));
    let mut blocked_by: Vec<_> = all
        .iter()
        .filter(|finding| finding.severity == Severity::Critical)
        .map(|finding| finding.rule.clone())
        .collect();
    blocked_by.sort();
    blocked_by.dedup();
    let files = gathered.archive.as_ref().map(Archive::files).unwrap_or_default();
    let report = Report {
        schema_version: 3,
        name: &input.name,
        kind: input.kind,
        version: input.version.to_string(),
        digest: &input.digest,
        size: input.size,
        confidence: 100_u8.saturating_sub(penalty),
        blocked_by,
        risk: risk::assess(input.kind, gathered.manifest.as_ref(), gathered.archive.as_ref(), &all),
        cross_check,
        signature: signature::evidence(input),
        steps: parts.iter().map(told).collect(),
        files: files
            .iter()
            .map(|file| json!({ "path": file.path, "size": file.size, "sha256": file.sha256 }))
            .collect(),
    };
    let value = serde_json::to_value(report).unwrap_or_default();
    value.to_string().into_bytes()
}

fn told(part: &super::Part) -> Part<'_> {
    let mut told: Vec<_> = part
        .findings
        .iter()
        .map(|finding| {
            let rule = catalogue::rule(&finding.rule);
            Told {
                finding,
                advice: rule.map(|rule| rule.advice),
                owasp: rule.and_then(|rule| rule.owasp).map(Owasp::id),
            }
        })
        .collect();
    told.sort_by_key(|told| std::cmp::Reverse(told.finding.severity));
    let step = &part.step;
    Part { name: &step.name, outcome: step.outcome, penalty: step.penalty, reason: part.why_skipped, findings: told }
}
