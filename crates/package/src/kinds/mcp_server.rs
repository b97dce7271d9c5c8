//! Servers of the Model Context Protocol: a `server.json` as registries want it.

use serde_json::Value;
use souk_domain::validation::{Finding, Severity};

use super::{root, text};
use crate::{archive::Archive, finding::finding};

const LONGEST_DESCRIPTION: usize = 100;

pub(super) fn check(archive: &Archive) -> Vec<Finding> {
    let has_file = |root: &str| archive.read(&format!("{root}server.json")).is_some();
    let Some(root) = root(archive, has_file) else {
        let message = "a server has `server.json` at the top of its archive or in its one folder";
        return vec![finding("mcp_server.server_json_missing", Severity::Critical, None, message)];
    };
    let path = format!("{root}server.json");
    let at = |rule: &str, severity, message: &str| finding(rule, severity, Some(&path), message);
    let object = match text(archive, &path).ok_or("no UTF-8 text".to_owned()).and_then(parse) {
        Ok(Value::Object(object)) => object,
        Ok(_) => return vec![at("mcp_server.not_json", Severity::Critical, "this is no JSON object")],
        Err(problem) => {
            return vec![at("mcp_server.not_json", Severity::Critical, &format!("this is no JSON: {problem}"))];
        }
    };
    let field = |name: &str| object.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let mut findings = Vec::new();
    match field("name") {
        None => findings.push(at("mcp_server.name_missing", Severity::Critical, "`name` is missing")),
        Some(name) if !is_server_name(name) => {
            let message = "`name` is a reversed domain, one slash and a name, such as `com.example/weather`";
            findings.push(at("mcp_server.name_invalid", Severity::Low, message));
        }
        Some(_) => {}
    }
    match field("description") {
        None => findings.push(at("mcp_server.description_missing", Severity::Medium, "`description` is missing")),
        Some(text) if text.chars().count() > LONGEST_DESCRIPTION => {
            let message = "`description` has more than 100 characters, and registries refuse it";
            findings.push(at("mcp_server.description_too_long", Severity::Low, message));
        }
        Some(_) => {}
    }
    match field("version") {
        None => findings.push(at("mcp_server.version_missing", Severity::Medium, "`version` is missing")),
        Some(version)
            if version == "latest"
                || version.starts_with(['^', '~', '>', '<', '='])
                || version.ends_with(['x', '*']) =>
        {
            let message = "`version` is one version, no range";
            findings.push(at("mcp_server.version_invalid", Severity::Low, message));
        }
        Some(_) => {}
    }
    let offers = |name: &str| object.get(name).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if !offers("packages") && !offers("remotes") {
        let message = "neither `packages` nor `remotes` says how the server is reached";
        findings.push(at("mcp_server.unreachable", Severity::Low, message));
    }
    findings
}

fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn is_server_name(name: &str) -> bool {
    let allowed = |text: &str, extra: &[char]| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(&c))
    };
    (3..=200).contains(&name.len())
        && name
            .split_once('/')
            .is_some_and(|(domain, name)| allowed(domain, &['.', '-']) && allowed(name, &['.', '_', '-']))
}
