//! What runs by itself: hooks, servers that start with a plugin, scripts of an installation, commands that a document runs
//! while it is loaded.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value;
use souk_package::archive::Archive;

use crate::json;

/// Why something runs by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Because {
    /// A hook of the client.
    Hook,
    /// A server that is started with the plugin.
    Server,
    /// A script of an installation.
    Install,
    /// A document runs it while it is loaded.
    Loaded,
}

/// A command that runs by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Automatic {
    pub path: String,
    pub line: u32,
    pub command: String,
    pub because: Because,
}

pub(crate) struct Finder {
    /// A command that a document runs while it is loaded.
    loaded: Regex,
    /// The command of a hook in the head of a document.
    head: Regex,
    /// A path within the package.
    script: Regex,
}

impl Finder {
    pub fn new() -> Result<Self, regex::Error> {
        Ok(Self {
            loaded: Regex::new(r"(?:^|[\s(])!`([^`]+)`")?,
            head: Regex::new(r#"^\s+(?:-\s+)?command:\s*["']?(.+?)["']?\s*$"#)?,
            script: Regex::new(r"[\w./-]+\.(?:sh|py|js|mjs|cjs|ts|rb|pl|ps1|bash)\b")?,
        })
    }

    /// Every command of the archive that runs by itself, in the order of its files.
    pub fn find(&self, archive: &Archive) -> Vec<Automatic> {
        let mut found = Vec::new();
        for file in archive.files() {
            let path = file.path.as_str();
            let Some(text) = archive.read(path).and_then(|bytes| std::str::from_utf8(bytes).ok()) else { continue };
            let name = path.rsplit('/').next().unwrap_or(path);
            if name == "package.json" {
                found.extend(of_installation(path, text));
            } else if name.ends_with(".json") {
                found.extend(of_settings(path, text));
            } else if name.ends_with(".md") {
                found.extend(self.of_document(path, text));
            }
        }
        found
    }

    /// Paths of the scripts of the archive that these commands run.
    pub fn scripts(&self, archive: &Archive, commands: &[Automatic]) -> BTreeSet<String> {
        let runs = commands.iter().filter(|command| command.because != Because::Server);
        let named = runs.flat_map(|command| self.script.find_iter(&command.command)).map(|name| name.as_str());
        named
            .filter_map(|name| {
                let name = name.trim_start_matches("./").trim_start_matches('/');
                let mut files = archive.files().iter().map(|file| file.path.as_str());
                files.find(|path| *path == name || path.ends_with(&format!("/{name}"))).map(str::to_owned)
            })
            .collect()
    }

    fn of_document(&self, path: &str, text: &str) -> Vec<Automatic> {
        let is_loaded = ["commands/", "skills/", "SKILL.md"].iter().any(|part| path.contains(part));
        let head_ends = text.lines().skip(1).position(|line| line.trim_end() == "---").map_or(0, |index| index + 1);
        let mut in_block = false;
        let mut found = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let at = |command: &str, because| Automatic {
                path: path.to_owned(),
                line: u32::try_from(index + 1).unwrap_or(u32::MAX),
                command: command.to_owned(),
                because,
            };
            if line.trim_start().starts_with("```") {
                in_block = !in_block;
            }
            if index < head_ends {
                found.extend(
                    self.head.captures(line).and_then(|found| found.get(1)).map(|c| at(c.as_str(), Because::Hook)),
                );
            } else if is_loaded && !in_block {
                let commands = self.loaded.captures_iter(line).filter_map(|found| found.get(1));
                found.extend(commands.map(|command| at(command.as_str(), Because::Loaded)));
            }
        }
        found
    }
}

fn of_installation(path: &str, text: &str) -> Vec<Automatic> {
    let runs = ["/scripts/preinstall", "/scripts/install", "/scripts/postinstall", "/scripts/prepare"];
    let texts = json::texts(text).into_iter().filter(|text| runs.contains(&text.pointer.as_str()));
    texts
        .map(|text| Automatic {
            path: path.to_owned(),
            line: text.line,
            command: text.value,
            because: Because::Install,
        })
        .collect()
}

fn of_settings(path: &str, text: &str) -> Vec<Automatic> {
    let Ok(value) = serde_json::from_str::<Value>(text) else { return Vec::new() };
    let mut found = Vec::new();
    for text in json::texts(text) {
        let Some(parent) = text.pointer.strip_suffix("/command") else { continue };
        let within = |name: &str| parent.split('/').any(|part| part == name);
        let because = if within("mcpServers") || within("lspServers") || path.ends_with(".mcp.json") {
            Because::Server
        } else if within("hooks") || within("statusLine") || within("monitors") || path.ends_with("monitors.json") {
            Because::Hook
        } else {
            continue;
        };
        let arguments = value.pointer(&format!("{parent}/args")).and_then(Value::as_array);
        let arguments = arguments.into_iter().flatten().filter_map(Value::as_str);
        let command = arguments.fold(text.value.clone(), |line, argument| format!("{line} {argument}"));
        found.push(Automatic { path: path.to_owned(), line: text.line, command, because });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_servers_and_loaded_commands_are_found() {
        let hooks = "{\"hooks\": {\"Stop\": [{\"hooks\": [\n{\"type\": \"command\", \"command\": \"x.sh\"}]}]}}";
        let found = of_settings("hooks/hooks.json", hooks);
        assert_eq!((found[0].line, found[0].command.as_str(), found[0].because), (2, "x.sh", Because::Hook));
        let servers = r#"{"mcpServers": {"a": {"command": "npx", "args": ["-y", "b"]}}}"#;
        assert_eq!(of_settings(".mcp.json", servers)[0].command, "npx -y b");
        let finder = Finder::new().unwrap();
        let document = "---\nhooks:\n  - command: \"a.sh\"\n---\nNow !`git status`\n```\n!`no`\n```\n";
        let found: Vec<_> =
            finder.of_document("commands/x.md", document).into_iter().map(|a| (a.line, a.command)).collect();
        assert_eq!(found, [(3, "a.sh".to_owned()), (5, "git status".to_owned())]);
    }
}
