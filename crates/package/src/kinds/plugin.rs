//! Bundles of agents, skills, commands and hooks.

use serde_json::Value;
use souk_domain::validation::{Finding, Severity};

use super::{files_in, is_about, is_markdown, markdown, root, text};
use crate::{archive::Archive, finding::finding};

const MANIFEST: &str = ".claude-plugin/plugin.json";
/// Other places where a bundle keeps what it is made of.
const PARTS: [&str; 8] =
    ["hooks/", "workflows/", "output-styles/", "themes/", "monitors/", "bin/", ".mcp.json", ".lsp.json"];
/// Fields of the manifest that name parts elsewhere, or hold them.
const PART_FIELDS: [&str; 9] = [
    "skills",
    "commands",
    "agents",
    "hooks",
    "mcpServers",
    "lspServers",
    "outputStyles",
    "dependencies",
    "experimental",
];
/// Files that clients read as JSON.
const JSON_FILES: [&str; 4] = ["hooks/hooks.json", ".mcp.json", ".lsp.json", "settings.json"];

pub(super) fn check(archive: &Archive, plugin_name: &str) -> Vec<Finding> {
    let is_root = |root: &str| archive.read(&format!("{root}{MANIFEST}")).is_some() || has_parts(archive, root);
    let Some(root) = root(archive, is_root) else {
        let message = format!(
            "a plugin has `{MANIFEST}` or parts (`agents/`, `commands/`, `skills/NAME/SKILL.md`, `hooks/`) at the top of its \
             archive or in its one folder; there is neither"
        );
        return vec![finding("plugin.nothing_found", Severity::Critical, None, message)];
    };
    let mut findings = Vec::new();
    let declared = manifest(archive, &format!("{root}{MANIFEST}"), plugin_name, &mut findings);
    if !declared && !has_parts(archive, &root) {
        let message = "the plugin names itself but has no agent, command, skill or hook";
        findings.push(finding("plugin.no_parts", Severity::Medium, None, message));
    }
    for path in markdown_in(archive, &format!("{root}agents/")) {
        findings.extend(markdown::agent_file(archive, path));
    }
    for path in markdown_in(archive, &format!("{root}commands/")) {
        findings.extend(markdown::command_file(archive, path));
    }
    for (path, folder) in skills(archive, &root) {
        findings.extend(markdown::skill_file(archive, path, Some(folder), markdown::As::Part));
    }
    for name in JSON_FILES {
        let path = format!("{root}{name}");
        if archive.read(&path).is_some() && json(archive, &path).is_err() {
            let message = "clients read this file as JSON, and it is none";
            findings.push(finding("plugin.json_invalid", Severity::High, Some(&path), message));
        }
    }
    findings
}

/// Judges `plugin.json` where there is one; whether it declares parts itself.
fn manifest(archive: &Archive, path: &str, plugin_name: &str, findings: &mut Vec<Finding>) -> bool {
    if archive.read(path).is_none() {
        return false;
    }
    let object = match json(archive, path) {
        Ok(Value::Object(object)) => object,
        Ok(_) => {
            findings.push(finding(
                "plugin.manifest_not_json",
                Severity::Critical,
                Some(path),
                "this is no JSON object",
            ));
            return false;
        }
        Err(problem) => {
            let message = format!("this is no JSON: {problem}");
            findings.push(finding("plugin.manifest_not_json", Severity::Critical, Some(path), message));
            return false;
        }
    };
    match object.get("name").and_then(Value::as_str).map(str::trim) {
        None | Some("") => {
            let message = "`name` is missing, and clients refuse the plugin without";
            findings.push(finding("plugin.name_missing", Severity::High, Some(path), message));
        }
        Some(name) if name != plugin_name => {
            let message = format!("`name` is `{name}`, but the plugin is listed as `{plugin_name}`");
            findings.push(finding("plugin.name_differs", Severity::Low, Some(path), message));
        }
        Some(_) => {}
    }
    PART_FIELDS.iter().any(|field| object.get(*field).is_some_and(|value| !value.is_null()))
}

fn has_parts(archive: &Archive, root: &str) -> bool {
    !markdown_in(archive, &format!("{root}agents/")).is_empty()
        || !markdown_in(archive, &format!("{root}commands/")).is_empty()
        || !skills(archive, root).is_empty()
        || archive.read(&format!("{root}SKILL.md")).is_some()
        || archive.files().iter().any(|file| {
            file.path.strip_prefix(root).is_some_and(|rest| PARTS.iter().any(|part| rest.starts_with(part)))
        })
}

fn markdown_in<'a>(archive: &'a Archive, folder: &str) -> Vec<&'a str> {
    files_in(archive, folder).into_iter().filter(|path| is_markdown(path) && !is_about(path)).collect()
}

/// Each `skills/NAME/SKILL.md` with its NAME.
fn skills<'a>(archive: &'a Archive, root: &str) -> Vec<(&'a str, &'a str)> {
    archive
        .files()
        .iter()
        .filter_map(|file| {
            let inner = file.path.strip_prefix(root)?.strip_prefix("skills/")?;
            let (folder, name) = inner.split_once('/')?;
            (name == "SKILL.md").then_some((file.path.as_str(), folder))
        })
        .collect()
}

fn json(archive: &Archive, path: &str) -> Result<Value, String> {
    let text = text(archive, path).ok_or("it is no UTF-8 text")?;
    serde_json::from_str(text).map_err(|error| error.to_string())
}
