//! The report of a run: everything that was found, in bytes that depend on nothing but the input.

use serde::Serialize;
use serde_json::json;
use souk_domain::{
    listing::Kind,
    validation::{Finding, Outcome, Step},
};
use souk_package::archive::Archive;

use super::Input;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    schema_version: u32,
    name: &'a str,
    kind: Kind,
    version: String,
    digest: &'a str,
    size: u64,
    steps: Vec<Part>,
    /// The files of the archive with their sizes and digests; empty when it was not safe to read.
    files: Vec<serde_json::Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    name: String,
    outcome: Outcome,
    penalty: u8,
    findings: Vec<Finding>,
}

/// Writes the report; `parts` are the steps with all their findings.
pub(super) fn write(input: &Input, parts: Vec<(Step, Vec<Finding>)>, archive: Option<&Archive>) -> Vec<u8> {
    let steps = parts
        .into_iter()
        .map(|(step, mut findings)| {
            findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
            Part { name: step.name, outcome: step.outcome, penalty: step.penalty, findings }
        })
        .collect();
    let files = archive.map(Archive::files).unwrap_or_default();
    let report = Report {
        schema_version: 1,
        name: &input.name,
        kind: input.kind,
        version: input.version.to_string(),
        digest: &input.digest,
        size: input.size,
        steps,
        files: files
            .iter()
            .map(|file| json!({ "path": file.path, "size": file.size, "sha256": file.sha256 }))
            .collect(),
    };
    let value = serde_json::to_value(report).unwrap_or_default();
    value.to_string().into_bytes()
}
