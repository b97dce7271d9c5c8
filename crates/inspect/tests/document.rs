//! `docs/VALIDATION.md` explains every rule, in words that come from the catalogue.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends and says why")]

use std::{fmt::Write, fs, path::Path};

use souk_domain::validation::Severity;
use souk_inspect::catalogue::{Owasp, rules};

const BEGIN: &str = "<!-- The rules, written by a test of souk-inspect from its catalogue. -->\n";

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

fn code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

fn explained() -> String {
    let mut out = String::from("\n## Every rule\n");
    let mut last = "";
    for (step, rule) in rules() {
        if step != last {
            write!(out, "\n### Step `{step}`\n\n").unwrap();
            last = step;
        }
        let owasp = rule.owasp.map(|owasp| format!(", {}", owasp.id())).unwrap_or_default();
        let (id, severity, what, advice) = (rule.id, severity(rule.severity), rule.what, rule.advice);
        writeln!(out, "- **`{id}`** ({severity}{owasp}): {what} *Advice:* {advice} *Example:* {}", code(rule.example))
            .unwrap();
    }
    out.push_str("\n### OWASP Agentic Skills Top 10\n\n| id | risk | rules |\n|---|---|---|\n");
    for owasp in Owasp::ALL {
        let count = rules().filter(|(_, rule)| rule.owasp == Some(owasp)).count();
        writeln!(out, "| {} | {} | {count} |", owasp.id(), owasp.title()).unwrap();
    }
    out
}

/// `UPDATE_VALIDATION=1` writes the document instead of comparing it.
#[test]
fn the_document_explains_every_rule() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/VALIDATION.md");
    let document = fs::read_to_string(&path).unwrap();
    let (head, rules) = document.split_once(BEGIN).unwrap_or((&document, ""));
    let explained = explained();
    if std::env::var_os("UPDATE_VALIDATION").is_some() {
        fs::write(&path, format!("{head}{BEGIN}{explained}")).unwrap();
    } else {
        assert!(
            rules == explained,
            "docs/VALIDATION.md is stale; UPDATE_VALIDATION=1 cargo test -p souk-inspect writes it"
        );
    }
}
