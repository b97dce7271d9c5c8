//! Every rule that a finding can name: one table, from which reports take advice and the document its explanations.

mod code;
mod contents;
mod outside;
mod package;

use souk_domain::validation::Severity;

/// A rule of validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Stable id, `area.flaw`.
    pub id: &'static str,
    /// How bad a breach is unless circumstances make it milder.
    pub severity: Severity,
    /// Its risk in the OWASP Agentic Skills Top 10, where it has one.
    pub owasp: Option<Owasp>,
    /// What is found, a sentence.
    pub what: &'static str,
    /// What the author does about it, a sentence.
    pub advice: &'static str,
    /// A breach, one line.
    pub example: &'static str,
}

/// The OWASP Agentic Skills Top 10, edition of 2026.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owasp {
    /// Malicious skills.
    Ast01,
    /// Supply chain compromise.
    Ast02,
    /// Over-privileged skills.
    Ast03,
    /// Insecure metadata.
    Ast04,
    /// Untrusted external instructions.
    Ast05,
    /// Weak isolation.
    Ast06,
    /// Update drift.
    Ast07,
    /// Poor scanning.
    Ast08,
    /// No governance.
    Ast09,
    /// Cross-platform reuse.
    Ast10,
}

impl Owasp {
    /// All of them, in order.
    pub const ALL: [Self; 10] = [
        Self::Ast01,
        Self::Ast02,
        Self::Ast03,
        Self::Ast04,
        Self::Ast05,
        Self::Ast06,
        Self::Ast07,
        Self::Ast08,
        Self::Ast09,
        Self::Ast10,
    ];

    /// `AST01` to `AST10`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Ast01 => "AST01",
            Self::Ast02 => "AST02",
            Self::Ast03 => "AST03",
            Self::Ast04 => "AST04",
            Self::Ast05 => "AST05",
            Self::Ast06 => "AST06",
            Self::Ast07 => "AST07",
            Self::Ast08 => "AST08",
            Self::Ast09 => "AST09",
            Self::Ast10 => "AST10",
        }
    }

    /// Its title.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Ast01 => "Malicious Skills",
            Self::Ast02 => "Supply Chain Compromise",
            Self::Ast03 => "Over-Privileged Skills",
            Self::Ast04 => "Insecure Metadata",
            Self::Ast05 => "Untrusted External Instructions",
            Self::Ast06 => "Weak Isolation",
            Self::Ast07 => "Update Drift",
            Self::Ast08 => "Poor Scanning",
            Self::Ast09 => "No Governance",
            Self::Ast10 => "Cross-Platform Reuse",
        }
    }
}

/// Every rule, grouped by the step that applies it.
pub fn rules() -> impl Iterator<Item = (&'static str, &'static Rule)> {
    let step = |name: &'static str, rules: &'static [Rule]| rules.iter().map(move |rule| (name, rule));
    step("manifest", package::MANIFEST)
        .chain(step("artifact", package::ARTIFACT))
        .chain(step("artifact", contents::KINDS))
        .chain(step("signature", outside::SIGNATURE))
        .chain(step("static_analysis", code::STATIC))
        .chain(step("dependencies", contents::DEPENDENCIES))
        .chain(step("workflow", contents::WORKFLOW))
        .chain(step("malware", outside::MALWARE))
        .chain(step("execution", outside::EXECUTION))
}

/// The rule with this id.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    rules().map(|(_, rule)| rule).find(|rule| rule.id == id)
}

const fn entry(
    id: &'static str,
    severity: Severity,
    owasp: Option<Owasp>,
    [what, advice, example]: [&'static str; 3],
) -> Rule {
    Rule { id, severity, owasp, what, advice, example }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_is_there_once_and_says_everything() {
        let mut seen = BTreeSet::new();
        for (_, rule) in rules() {
            assert!(seen.insert(rule.id), "{} is there twice", rule.id);
            assert!(rule.id.split_once('.').is_some(), "{}", rule.id);
            for text in [rule.what, rule.advice] {
                assert!(!text.trim_end_matches('.').is_empty() && text.ends_with('.'), "{}: {text}", rule.id);
            }
            assert!(!rule.example.is_empty() && !rule.example.contains('\n'), "{}", rule.id);
        }
        assert!(seen.len() > 120, "{}", seen.len());
    }

    #[test]
    fn every_rule_that_code_names_is_in_the_table() {
        let known: BTreeSet<_> = rules().map(|(_, rule)| rule.id.to_owned()).collect();
        let id = regex::Regex::new(concat!(
            r#""((?:manifest|artifact|skill|agent|command|plugin|mcp_server|asset|workflow|secrets|injection|unicode|shell"#,
            r#"|exfiltration|hooks|component|dependency|code|signature|malware|execution)\.[a-z_]+)""#
        ))
        .unwrap();
        let mut named = 0;
        for (file, code) in code() {
            for found in id.captures_iter(&code) {
                let rule = found[1].to_owned();
                let is_file = [".md", ".json", ".rs"].iter().any(|end| rule.ends_with(end));
                assert!(is_file || known.contains(&rule), "{}: {rule} is not in the table", file.display());
                named += 1;
            }
        }
        assert!(named > 150, "the search finds only {named}");
    }

    #[test]
    fn every_rule_in_the_table_is_named_by_code() {
        let code: String = code().into_iter().map(|(_, code)| code).collect();
        // Some are put together: `agent.{field}_missing`.
        let named = regex::Regex::new(r#""([a-z_]*(?:\{[a-z]+\}[a-z_]*)*\.[a-z_]*(?:\{[a-z]+\}[a-z_]*)*)""#).unwrap();
        let blank = regex::Regex::new(r"\{[a-z]+\}").unwrap();
        let patterns: BTreeSet<_> = named
            .captures_iter(&code)
            .map(|found| blank.replace_all(&found[1], "[a-z]+").replace('.', r"\."))
            .collect();
        let any = regex::Regex::new(&format!("^(?:{})$", Vec::from_iter(patterns).join("|"))).unwrap();
        for (_, rule) in rules() {
            assert!(any.is_match(rule.id), "nothing finds {}", rule.id);
        }
    }

    /// What finds things, without its tests and without the table.
    fn code() -> Vec<(std::path::PathBuf, String)> {
        let folders = ["../package/src", "../app/src/validation", "src"];
        let files = folders
            .iter()
            .flat_map(|folder| sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)))
            .filter(|file| !file.components().any(|part| part.as_os_str() == "catalogue"));
        let read = files.map(|file| {
            let text = std::fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
            (file, code)
        });
        read.collect()
    }

    fn sources(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                found.extend(sources(&path));
            } else if path.file_name().is_some_and(|name| name != "tests.rs") {
                found.push(path);
            }
        }
        found
    }
}
