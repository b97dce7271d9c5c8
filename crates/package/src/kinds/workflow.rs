//! Automations of n8n: a JSON object of nodes, and connections between them by name.

use std::collections::HashSet;

use serde_json::{Map, Value};
use souk_domain::validation::{Finding, Severity};

use super::text;
use crate::{archive::Archive, finding::finding};

/// As many flaws of one file as are told.
const MOST_FLAWS: usize = 100;

pub(super) fn check(archive: &Archive) -> Vec<Finding> {
    let mut found = 0;
    let mut refused = None;
    let mut findings = Vec::new();
    for file in archive.files().iter().filter(|file| file.path.to_ascii_lowercase().ends_with(".json")) {
        match workflow(archive, &file.path) {
            Ok(object) => {
                found += 1;
                judge(&file.path, &object, &mut findings);
            }
            Err(why) => {
                refused.get_or_insert((file.path.as_str(), why));
            }
        }
    }
    if found == 0 {
        let (place, why) = match &refused {
            Some((path, why)) => (Some(*path), format!(": {why}")),
            None => (None, "; it has no JSON file".to_owned()),
        };
        let message = format!("the archive holds no workflow, an object with a list of `nodes`{why}");
        findings.push(finding("workflow.not_a_workflow", Severity::Critical, place, message));
    }
    findings
}

fn workflow(archive: &Archive, path: &str) -> Result<Map<String, Value>, String> {
    let text = text(archive, path).ok_or("the file is no UTF-8 text")?;
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => match object.get("nodes") {
            Some(Value::Array(nodes)) if !nodes.is_empty() => Ok(object),
            Some(Value::Array(_)) => Err("`nodes` is empty".into()),
            Some(_) => Err("`nodes` is no list".into()),
            None => Err("`nodes` is missing".into()),
        },
        Ok(_) => Err("the file is no JSON object".into()),
        Err(error) => Err(format!("the file is no JSON: {error}")),
    }
}

fn judge(path: &str, object: &Map<String, Value>, findings: &mut Vec<Finding>) {
    let before = findings.len();
    let names = nodes(path, object, findings);
    connections(path, object, &names, findings);
    findings.truncate(before + MOST_FLAWS);
}

fn nodes<'a>(path: &str, object: &'a Map<String, Value>, findings: &mut Vec<Finding>) -> HashSet<&'a str> {
    let mut names = HashSet::new();
    let mut starts = false;
    for (index, node) in object.get("nodes").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let mut flaw = |rule: &str, severity, message: String| {
            findings.push(finding(rule, severity, Some(&format!("{path}: nodes[{index}]")), message));
        };
        match node.get("name").and_then(Value::as_str) {
            None | Some("") => {
                flaw("workflow.node_unnamed", Severity::Medium, "a node needs a `name`; connections go by it".into());
            }
            Some(name) if !names.insert(name) => {
                let message = format!("two nodes are named `{name}`; connections go by name, so rename one");
                flaw("workflow.node_name_twice", Severity::Medium, message);
            }
            Some(_) => {}
        }
        match node.get("type").and_then(Value::as_str) {
            None | Some("") => flaw("workflow.node_untyped", Severity::Medium, "a node needs a `type`".into()),
            Some(kind) => starts |= is_trigger(kind),
        }
        if !node.get("position").is_some_and(is_position) {
            flaw("workflow.node_unplaced", Severity::Low, "a node needs a `position` of two numbers".into());
        }
        if !node.get("parameters").is_none_or(Value::is_object) {
            flaw("workflow.node_parameters", Severity::Low, "`parameters` of a node is an object".into());
        }
    }
    if !starts {
        let message = "no node starts this workflow; it runs only from another one or by hand";
        findings.push(finding("workflow.no_trigger", Severity::Info, Some(path), message));
    }
    names
}

fn is_trigger(kind: &str) -> bool {
    let name = kind.rsplit('.').next().unwrap_or(kind).to_ascii_lowercase();
    name.ends_with("trigger") || ["webhook", "start", "cron", "interval", "emailreadimap"].contains(&name.as_str())
}

fn is_position(value: &Value) -> bool {
    value.as_array().is_some_and(|pair| pair.len() == 2 && pair.iter().all(Value::is_number))
}

fn connections(path: &str, object: &Map<String, Value>, names: &HashSet<&str>, findings: &mut Vec<Finding>) {
    let mut flaw = |rule: &str, severity, message: String| {
        findings.push(finding(rule, severity, Some(&format!("{path}: connections")), message));
    };
    let sources = match object.get("connections") {
        None | Some(Value::Null) => return,
        Some(Value::Object(sources)) => sources,
        Some(_) => {
            return flaw("workflow.connections_malformed", Severity::Medium, "`connections` is an object".into());
        }
    };
    for (source, outputs) in sources {
        if !names.contains(source.as_str()) {
            let message = format!("there is no node `{source}` to connect from");
            flaw("workflow.connection_dangles", Severity::Medium, message);
        }
        let links = outputs
            .as_object()
            .into_iter()
            .flat_map(Map::values)
            .filter_map(Value::as_array)
            .flatten()
            .filter_map(Value::as_array)
            .flatten();
        for link in links {
            match link.get("node").and_then(Value::as_str) {
                None => {
                    let message = format!("a connection from `{source}` names no node");
                    flaw("workflow.connections_malformed", Severity::Medium, message);
                }
                Some(target) if !names.contains(target) => {
                    let message = format!("`{source}` is connected to `{target}`, which is not there");
                    flaw("workflow.connection_dangles", Severity::Medium, message);
                }
                Some(_) => {}
            }
        }
    }
}
