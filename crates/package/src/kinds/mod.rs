//! What must be in the archive of each kind of plugin.

mod markdown;
mod mcp_server;
mod plugin;
mod workflow;

use souk_domain::{
    listing::Kind,
    validation::{Finding, Severity},
};

use crate::{archive::Archive, finding::finding};

/// Checks that `archive` holds what a plugin of this kind consists of.
///
/// What makes it another thing altogether is [`Severity::Critical`].
pub fn check(kind: Kind, archive: &Archive, plugin_name: &str) -> Vec<Finding> {
    match kind {
        Kind::Skill => markdown::skill(archive),
        Kind::Agent => markdown::agent(archive),
        Kind::Command => markdown::command(archive),
        Kind::Plugin => plugin::check(archive, plugin_name),
        Kind::McpServer => mcp_server::check(archive),
        Kind::Workflow => workflow::check(archive),
        Kind::Asset => asset(archive),
    }
}

fn asset(archive: &Archive) -> Vec<Finding> {
    if archive.unpacked() > 0 {
        return Vec::new();
    }
    vec![finding("asset.empty", Severity::Critical, None, "every file of the archive is empty")]
}

/// The folder that paths are relative to, ending with a slash unless it is the top: the first of the top and the only
/// folder that `is_root` accepts.
fn root(archive: &Archive, is_root: impl Fn(&str) -> bool) -> Option<String> {
    if is_root("") {
        return Some(String::new());
    }
    let folder = format!("{}/", archive.only_folder()?);
    is_root(&folder).then_some(folder)
}

/// Paths of the files right inside `folder`, which ends with a slash or is empty.
fn files_in<'a>(archive: &'a Archive, folder: &str) -> Vec<&'a str> {
    let paths = archive.files().iter().map(|file| file.path.as_str());
    paths.filter(|path| path.strip_prefix(folder).is_some_and(|rest| !rest.contains('/'))).collect()
}

fn is_markdown(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("md"))
}

/// Files that speak about a repository and are no component of it.
fn is_about(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name).to_ascii_uppercase();
    ["README", "LICENSE", "LICENCE", "CHANGELOG", "CONTRIBUTING", "SECURITY", "NOTICE", "AGENTS", "CLAUDE"]
        .contains(&stem.as_str())
}

/// The file at `path` as text without a byte order mark; none when it is missing or no UTF-8.
fn text<'a>(archive: &'a Archive, path: &str) -> Option<&'a str> {
    let text = std::str::from_utf8(archive.read(path)?).ok()?;
    Some(text.strip_prefix('\u{feff}').unwrap_or(text))
}

#[cfg(test)]
mod tests;
