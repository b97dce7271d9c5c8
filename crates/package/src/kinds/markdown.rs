//! Skills, agents and commands: Markdown files with a block of fields at their head.

use souk_domain::validation::{Finding, Severity};

use super::{is_about, is_markdown, root, text};
use crate::{
    archive::Archive,
    finding::finding,
    frontmatter::{self, Frontmatter},
};

const LONGEST_NAME: usize = 64;
const LONGEST_DESCRIPTION: usize = 1_024;

/// How hard a component is judged: as the whole plugin, or as one of many in a bundle.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum As {
    Whole,
    Part,
}

impl As {
    fn of(self, whole: Severity) -> Severity {
        match self {
            Self::Whole => whole,
            Self::Part => Severity::Low,
        }
    }
}

pub(super) fn skill(archive: &Archive) -> Vec<Finding> {
    let has_skill = |root: &str| archive.read(&format!("{root}SKILL.md")).is_some();
    let Some(root) = root(archive, has_skill) else {
        let advice = match archive.files().iter().find(|file| file.path.to_ascii_lowercase().ends_with("skill.md")) {
            Some(near) => format!("; `{}` is not at that place or is spelled otherwise", near.path),
            None => String::new(),
        };
        let message = format!("a skill has `SKILL.md` at the top of its archive or in its one folder{advice}");
        return vec![finding("skill.skill_md_missing", Severity::Critical, None, message)];
    };
    let folder = root.trim_end_matches('/');
    let folder = (!folder.is_empty()).then_some(folder);
    skill_file(archive, &format!("{root}SKILL.md"), folder, As::Whole)
}

/// Judges one `SKILL.md` that lies in `folder`.
pub(super) fn skill_file(archive: &Archive, path: &str, folder: Option<&str>, judged: As) -> Vec<Finding> {
    let at = |rule: &str, severity, message: &str| finding(rule, severity, Some(path), message);
    let Some(text) = text(archive, path) else {
        return vec![at("skill.not_text", judged.of(Severity::Critical), "this file is no UTF-8 text")];
    };
    let Some(front) = frontmatter::read(text) else {
        let message = "a skill begins with a block between two `---` lines that has `name` and `description`";
        return vec![at("skill.frontmatter_missing", judged.of(Severity::Critical), message)];
    };
    let mut findings: Vec<_> = not_yaml("skill", path, &front).into_iter().collect();
    match front.text("name") {
        None => findings.push(at("skill.name_missing", judged.of(Severity::Critical), "`name` is missing")),
        Some(name) if !is_skill_name(name) => {
            let message = "`name` has 1 to 64 characters a-z, 0-9 and single hyphens between them";
            findings.push(at("skill.name_invalid", judged.of(Severity::High), message));
        }
        Some(name) if folder.is_some_and(|folder| folder != name) => {
            let message = format!("`name` is `{name}`, but the folder has another name; clients want them equal");
            findings.push(at("skill.name_not_folder", judged.of(Severity::Medium), &message));
        }
        Some(_) => {}
    }
    match front.text("description") {
        None => {
            findings.push(at("skill.description_missing", judged.of(Severity::Critical), "`description` is missing"))
        }
        Some(text) if text.chars().count() > LONGEST_DESCRIPTION => {
            let message = "`description` has more than 1,024 characters, and clients refuse it";
            findings.push(at("skill.description_too_long", judged.of(Severity::High), message));
        }
        Some(_) => {}
    }
    findings
}

fn is_skill_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && name
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

pub(super) fn agent(archive: &Archive) -> Vec<Finding> {
    let mut complete = 0;
    let mut findings = Vec::new();
    for path in candidates(archive, "agents/") {
        let flaws = agent_file(archive, path);
        let declared = text(archive, path).is_some_and(|text| frontmatter::read(text).is_some());
        if declared && !flaws.iter().any(|flaw| flaw.severity > Severity::Info) {
            complete += 1;
        }
        findings.extend(flaws);
    }
    if complete == 0 {
        let message = "an agent is a Markdown file, at the top, in `agents/` or in the one folder, that begins with a block \
                       between two `---` lines which has `name` and `description`; there is none";
        findings.push(finding("agent.none_found", Severity::Critical, None, message));
    }
    findings
}

/// Judges one agent; flaws are of low weight, because other agents beside it may be well.
pub(super) fn agent_file(archive: &Archive, path: &str) -> Vec<Finding> {
    let low = |rule: &str, message: &str| finding(rule, Severity::Low, Some(path), message);
    let Some(text) = text(archive, path) else {
        return vec![low("agent.not_text", "this file is no UTF-8 text")];
    };
    let Some(front) = frontmatter::read(text) else {
        return vec![low(
            "agent.frontmatter_missing",
            "an agent begins with a block that has `name` and `description`",
        )];
    };
    let mut findings: Vec<_> = not_yaml("agent", path, &front)
        .map(|finding| Finding { severity: Severity::Info, ..finding })
        .into_iter()
        .collect();
    for field in ["name", "description"] {
        if front.text(field).is_none() {
            findings.push(low(&format!("agent.{field}_missing"), &format!("`{field}` is missing")));
        }
    }
    findings
}

pub(super) fn command(archive: &Archive) -> Vec<Finding> {
    let mut found = 0;
    let mut findings = Vec::new();
    for path in candidates(archive, "commands/") {
        found += usize::from(text(archive, path).is_some_and(|text| !text.trim().is_empty()));
        findings.extend(command_file(archive, path));
    }
    if found == 0 {
        let message = "a command is a Markdown file with contents, at the top, in `commands/` or in the one folder; there is none";
        findings.push(finding("command.none_found", Severity::Critical, None, message));
    }
    findings
}

/// Judges one command.
pub(super) fn command_file(archive: &Archive, path: &str) -> Vec<Finding> {
    let low = |rule: &str, message: &str| finding(rule, Severity::Low, Some(path), message);
    match text(archive, path) {
        None => vec![low("command.not_text", "this file is no UTF-8 text")],
        Some(text) if text.trim().is_empty() => vec![low("command.empty", "this command says nothing")],
        Some(text) => match frontmatter::read(text) {
            Some(front) => not_yaml("command", path, &front).into_iter().collect(),
            None => Vec::new(),
        },
    }
}

/// Markdown files at the top, in `folder`, or the same inside the one folder; not those about the repository.
fn candidates<'a>(archive: &'a Archive, folder: &str) -> Vec<&'a str> {
    let only = archive.only_folder().map(|only| format!("{only}/")).unwrap_or_default();
    let places = [String::new(), folder.to_owned(), only.clone(), format!("{only}{folder}")];
    let in_place = |path: &str| {
        let folder = path.rfind('/').and_then(|slash| path.get(..=slash)).unwrap_or_default();
        places.iter().any(|place| place == folder)
    };
    let paths = archive.files().iter().map(|file| file.path.as_str());
    paths.filter(|path| in_place(path) && is_markdown(path) && !is_about(path)).collect()
}

fn not_yaml(kind: &str, path: &str, front: &Frontmatter) -> Option<Finding> {
    front.problem().map(|problem| {
        let message = format!("the block at the head is no YAML, so clients may read it otherwise: {problem}");
        finding(&format!("{kind}.frontmatter_not_yaml"), Severity::Low, Some(path), message)
    })
}
