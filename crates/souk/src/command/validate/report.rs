//! A report for who wants to read it: by file, the worst first, with what to do.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;
use souk_domain::validation::Verdict;
use souk_package::shown;

use super::Validated;
use crate::output::say;

/// Names that a line has at most.
const SHOWN: usize = 10;

/// A finding with its line, the worst first when sorted.
type Place<'a> = (std::cmp::Reverse<u8>, u64, &'a Value);

/// Prints what was found, and what it means.
pub fn tell(path: &Path, validated: &Validated) {
    for line in lines(path, validated) {
        say(line);
    }
}

pub(super) fn lines(path: &Path, validated: &Validated) -> Vec<String> {
    let report = &validated.report;
    let text = |value: &Value, field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut lines = vec![format!(
        "{}: {} `{}` {}",
        path.display(),
        text(report, "kind"),
        text(report, "name"),
        text(report, "version")
    )];
    lines.extend(validated.remarks.iter().map(|remark| format!("  ({remark})")));
    if !validated.left_out.is_empty() {
        lines.push(format!("  (no part of the package: {})", names(&validated.left_out)));
    }
    lines.extend(skipped(report));
    let (places, remarks) = by_place(report);
    for (place, mut findings) in places {
        lines.push(String::new());
        lines.push(format!("  {place}"));
        findings.sort_by_key(|(severity, line, _)| (*severity, *line));
        for (_, line, finding) in findings {
            let at = if line == 0 { "-".to_owned() } else { line.to_string() };
            let owasp = finding.get("owasp").and_then(Value::as_str).map(|id| format!(" ({id})")).unwrap_or_default();
            lines.push(format!("  {at:>6}  {:<8} {}{owasp}", text(finding, "severity"), text(finding, "rule")));
            lines.push(format!("          {}", text(finding, "message")));
            if finding.get("advice").is_some() {
                lines.push(format!("          Advice: {}", text(finding, "advice")));
            }
        }
    }
    lines.push(String::new());
    if remarks > 0 {
        lines.push(format!("  {remarks} remarks that cost nothing; --json tells them"));
    }
    lines.extend(report.get("crossCheck").and_then(samples));
    let risk = report.get("risk").cloned().unwrap_or_default();
    let reasons = risk.get("reasons").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let reasons = reasons.collect::<Vec<_>>().join("; ");
    let because = if reasons.is_empty() { reasons } else { format!(" ({reasons})") };
    lines.push(format!("  Risk: {}{because}", text(&risk, "level")));
    let verdict = match validated.verdict {
        Verdict::Approve => "it would be approved",
        Verdict::Escalate => "a human would have to look at it",
        Verdict::Reject => "it would be refused",
    };
    lines.push(format!("  Confidence: {} of 100; {verdict}", validated.confidence));
    lines
}

/// What was not looked at and could have been, and why.
fn skipped(report: &Value) -> impl Iterator<Item = String> {
    let steps = report.get("steps").and_then(Value::as_array).into_iter().flatten();
    steps.filter_map(|step| {
        let (name, reason) = (step.get("name")?.as_str()?, step.get("reason")?.as_str()?);
        Some(format!("  (step `{name}` was left out: {reason})"))
    })
}

/// How the samples went.
fn samples(check: &Value) -> Option<String> {
    let count = check.get("samples").and_then(Value::as_u64)?;
    let attempts: Vec<u64> = check.get("attempts")?.as_array()?.iter().filter_map(Value::as_u64).collect();
    // Thousandths.
    let consensus =
        attempts.iter().map(|of| format!("{}.{:03}", of / 1_000, of % 1_000)).collect::<Vec<_>>().join(", then ");
    Some(format!("  Samples: {count}, run twice independently; consensus {consensus} of 1"))
}

/// The first few names, as they may be shown.
fn names(all: &[String]) -> String {
    let first: Vec<_> = all.iter().take(SHOWN).map(|name| shown(name.as_bytes())).collect();
    let more = all.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", first.join(", "))
}

/// Findings that cost something, by the file they are in, and how many cost nothing.
fn by_place(report: &Value) -> (BTreeMap<String, Vec<Place<'_>>>, usize) {
    let mut places: BTreeMap<String, Vec<Place<'_>>> = BTreeMap::new();
    let mut remarks = 0;
    let steps = report.get("steps").and_then(Value::as_array).into_iter().flatten();
    for finding in steps.filter_map(|step| step.get("findings")?.as_array()).flatten() {
        let severity = match finding.get("severity").and_then(Value::as_str) {
            Some("critical") => 4,
            Some("high") => 3,
            Some("medium") => 2,
            Some("low") => 1,
            _ => {
                remarks += 1;
                continue;
            }
        };
        let place = finding.get("place").and_then(Value::as_str).unwrap_or("(the package as a whole)");
        let line = finding.get("line").and_then(Value::as_u64).unwrap_or(0);
        places.entry(place.to_owned()).or_default().push((std::cmp::Reverse(severity), line, finding));
    }
    (places, remarks)
}
