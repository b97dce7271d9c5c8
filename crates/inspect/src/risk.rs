//! Risk: what could happen if a package were bad, apart from whether it is.

use serde::{Deserialize, Serialize};
use souk_domain::{
    listing::Kind,
    validation::{Finding, Severity},
};
use souk_package::{archive::Archive, manifest::Manifest};

/// How much harm could be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It is read, or runs where it reaches nothing.
    Low,
    /// It runs code, or reaches hosts that it names.
    Medium,
    /// It runs by itself, reaches everything, or something serious was found.
    High,
    /// Something was found that blocks.
    Critical,
}

impl Level {
    /// Its word in reports, e.g. `medium`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// A level with what it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Risk {
    /// The highest of its reasons.
    pub level: Level,
    /// Why, most serious first.
    pub reasons: Vec<String>,
}

/// The risk of a package from what it is able to do and from what was found.
pub fn assess(kind: Kind, manifest: Option<&Manifest>, archive: Option<&Archive>, findings: &[Finding]) -> Risk {
    let mut reasons: Vec<(Level, String)> = Vec::new();
    let has = |rule: &str| findings.iter().any(|finding| finding.rule == rule);
    match findings.iter().map(|finding| finding.severity).max() {
        Some(Severity::Critical) => reasons.push((Level::Critical, "something was found that blocks".into())),
        Some(Severity::High) => reasons.push((Level::High, "something serious was found".into())),
        _ => {}
    }
    let by_rule = [
        ("hooks.declared", Level::High, "something runs by itself"),
        ("workflow.execute_command", Level::High, "a node runs commands"),
        ("workflow.remote_shell", Level::High, "a node runs commands elsewhere"),
        ("code.native_binary", Level::High, "it ships machine code"),
        ("workflow.unknown_node", Level::Medium, "a node comes from a package of the community"),
        ("workflow.open_webhook", Level::Medium, "a webhook answers everybody"),
    ];
    reasons.extend(by_rule.into_iter().filter(|(rule, ..)| has(rule)).map(|(_, level, why)| (level, why.to_owned())));
    if let Some(manifest) = manifest {
        let asked = &manifest.capabilities;
        if asked.unbounded().next().is_some() || asked.private().next().is_some() {
            reasons.push((Level::High, "it asks for every host, or for private ones".into()));
        } else if asked.reaches_network() {
            reasons.push((Level::Medium, "it asks for the network".into()));
        }
        if !asked.secrets.is_empty() {
            reasons.push((Level::Medium, "it asks for secrets".into()));
        }
        if asked.names.iter().any(|name| name == "shell") {
            reasons.push((Level::High, "it asks for a shell".into()));
        }
    }
    let scripts = archive.map_or(0, |archive| archive.files().iter().filter(|file| is_script(&file.path)).count());
    if scripts > 0 {
        reasons.push((Level::Medium, format!("it ships {scripts} scripts")));
    }
    match kind {
        Kind::McpServer => reasons.push((Level::Medium, "it is a program that clients start or connect to".into())),
        Kind::Workflow => reasons.push((Level::Medium, "it acts in accounts that it is connected to".into())),
        _ => {}
    }
    reasons.sort_by_key(|(level, _)| std::cmp::Reverse(*level));
    let level = reasons.first().map_or(Level::Low, |(level, _)| *level);
    Risk { level, reasons: reasons.into_iter().map(|(_, why)| why).collect() }
}

fn is_script(path: &str) -> bool {
    [".sh", ".py", ".js", ".mjs", ".ts", ".rb", ".ps1", ".pl"].iter().any(|end| path.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn risk_is_the_highest_of_its_reasons() {
        assert_eq!(assess(Kind::Skill, None, None, &[]).level, Level::Low);
        assert_eq!(assess(Kind::Workflow, None, None, &[]).level, Level::Medium);
        let hook = crate::found("hooks.declared", None, "hooks/hooks.json", Some(1), "");
        let risk = assess(Kind::Workflow, None, None, &[hook]);
        assert_eq!((risk.level, risk.reasons.len()), (Level::High, 2));
        let key = crate::found("secrets.private_key", None, "k.pem", Some(1), "");
        assert_eq!(assess(Kind::Skill, None, None, &[key]).level, Level::Critical);
    }
}
