//! What is in a package and should not be: static analysis, and the catalogue of rules behind every finding.
//!
//! Pure: an archive in, findings out, the same for the same bytes. Rules are written so that documents which speak about
//! attacks, placeholders and test data do not block; what is only mentioned is told as information. `docs/VALIDATION.md`
//! explains every rule.

pub mod advisories;
mod analysis;
mod automatic;
pub mod catalogue;
mod commands;
mod component;
mod dependencies;
mod json;
mod mention;
mod pattern;
pub mod risk;
mod secrets;
mod source;
mod unicode;
mod words;
mod workflow;

use std::sync::LazyLock;

pub use analysis::Inspector;
pub use dependencies::{dependencies, packages};
pub use workflow::workflow;

/// Why the tables of patterns cannot be used; a test shows that they can.
#[derive(Debug, thiserror::Error)]
#[error("the patterns of static analysis cannot be used: {0}")]
pub struct Unusable(String);

static INSPECTOR: LazyLock<Result<Inspector, Unusable>> = LazyLock::new(Inspector::new);

/// The inspector that everybody shares: making it takes longer than a typical inspection.
///
/// # Errors
/// Why there is none.
pub fn inspector() -> Result<&'static Inspector, &'static Unusable> {
    INSPECTOR.as_ref()
}

const LONGEST_DETAIL: usize = 400;

/// A finding of `rule`, as bad as the catalogue says unless `severity` says otherwise, at a line of a file.
pub(crate) fn found(
    rule: &'static str,
    severity: Option<souk_domain::validation::Severity>,
    path: &str,
    line: Option<u32>,
    detail: &str,
) -> souk_domain::validation::Finding {
    let known = catalogue::rule(rule);
    let usual = known.map_or(souk_domain::validation::Severity::Low, |rule| rule.severity);
    let what = known.map_or(rule, |rule| rule.what);
    // Details repeat what strangers wrote, and findings travel in events, which are bounded.
    let detail: String = detail.chars().take(LONGEST_DETAIL).collect();
    let message = if detail.is_empty() { what.to_owned() } else { format!("{what} {detail}") };
    let mut finding = souk_package::finding(rule, severity.unwrap_or(usual), Some(path), message);
    finding.line = line;
    finding
}
