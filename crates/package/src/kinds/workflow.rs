//! Automations of n8n: a JSON object of nodes, and connections between them by name.

use serde_json::Value;
use souk_domain::validation::{Finding, Severity};

use super::text;
use crate::{archive::Archive, finding::finding};

pub(super) fn check(archive: &Archive) -> Vec<Finding> {
    let mut found = 0;
    let mut refused = None;
    for file in archive.files().iter().filter(|file| file.path.to_ascii_lowercase().ends_with(".json")) {
        match workflow(archive, &file.path) {
            Ok(()) => found += 1,
            Err(why) => {
                refused.get_or_insert((file.path.as_str(), why));
            }
        }
    }
    if found > 0 {
        return Vec::new();
    }
    let (place, why) = match &refused {
        Some((path, why)) => (Some(*path), format!(": {why}")),
        None => (None, "; it has no JSON file".to_owned()),
    };
    let message = format!("the archive holds no workflow, an object with a list of `nodes`{why}");
    vec![finding("workflow.not_a_workflow", Severity::Critical, place, message)]
}

fn workflow(archive: &Archive, path: &str) -> Result<(), String> {
    let text = text(archive, path).ok_or("the file is no UTF-8 text")?;
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => match object.get("nodes") {
            Some(Value::Array(nodes)) if !nodes.is_empty() => Ok(()),
            Some(Value::Array(_)) => Err("`nodes` is empty".into()),
            Some(_) => Err("`nodes` is no list".into()),
            None => Err("`nodes` is missing".into()),
        },
        Ok(_) => Err("the file is no JSON object".into()),
        Err(error) => Err(format!("the file is no JSON: {error}")),
    }
}
