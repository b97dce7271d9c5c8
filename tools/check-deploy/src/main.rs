//! `check-deploy [FOLDER]`: checks `docker-compose.yml` and `deploy/kubernetes/` of the repository in FOLDER.
//!
//! The manifests are held against the schemas of Kubernetes itself (unknown fields, wrong types, missing fields), and both
//! against the rules of this house. Exit code 1 when anything is found, one line each.

mod compose;
mod kubernetes;
mod rules;
mod schema;
#[cfg(test)]
mod tests;

use std::{fs, path::Path, process::ExitCode};

use serde_json::Value;

/// The documents of a YAML text, anchors and merges resolved.
fn documents(text: &str) -> Result<Vec<Value>, String> {
    let found: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|error| error.to_string())?;
    Ok(found.into_iter().filter(|document| !document.is_null()).collect())
}

/// Every manifest below `folder`, with the name of its file; and what cannot be read.
fn manifests(folder: &Path) -> Result<Vec<(String, Value)>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "yaml" || end == "yml")) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
        let read = documents(&text).map_err(|error| format!("{name}: {error}"))?;
        found.extend(read.into_iter().map(|document| (name.clone(), document)));
    }
    if found.is_empty() { Err(format!("{}: no manifests", folder.display())) } else { Ok(found) }
}

fn check(root: &Path) -> Result<(Vec<String>, String), String> {
    let manifests = manifests(&root.join("deploy/kubernetes"))?;
    let mut faults = kubernetes::faults(&manifests);
    let text =
        fs::read_to_string(root.join("docker-compose.yml")).map_err(|error| format!("docker-compose.yml: {error}"))?;
    let compose = documents(&text).map_err(|error| format!("docker-compose.yml: {error}"))?;
    let compose = compose.first().ok_or("docker-compose.yml: empty")?;
    faults.extend(compose::faults(compose));
    let services = compose["services"].as_object().map_or(0, serde_json::Map::len);
    Ok((faults, format!("{} manifests and {services} services are right", manifests.len())))
}

fn main() -> ExitCode {
    let root = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    match check(Path::new(&root)) {
        Ok((faults, summary)) if faults.is_empty() => {
            println!("check-deploy: {summary}");
            ExitCode::SUCCESS
        }
        Ok((faults, _)) => {
            faults.iter().for_each(|fault| eprintln!("check-deploy: {fault}"));
            ExitCode::FAILURE
        }
        Err(problem) => {
            eprintln!("check-deploy: {problem}");
            ExitCode::FAILURE
        }
    }
}
