//! Folders of n8n workflows: each JSON file is one.

mod about;
mod tags;

use std::{collections::HashMap, fs, path::Path};

use serde_json::{Map, Value, json};
use souk_domain::listing::{Complexity, Details, Kind};
use souk_package::sha256;

use super::{
    catalogue::{Catalogue, Duplicate, Entry, Refused, Source, VendorInfo, VersionRule},
    files::{self, Problem},
    naming,
};

/// What the file is called in its archive, so that the archive depends on nothing but the contents.
const FILE: &str = "workflow.json";

/// Reads every `.json` file under a folder, or one such file.
///
/// # Errors
/// Why there is nothing to read; what is wrong with single files is in the catalogue.
pub fn read(path: &Path) -> Result<Catalogue, String> {
    let (folder, sources) = files::named(path, is_json)?;
    if sources.is_empty() {
        return Err(format!("{}: there is no .json file, so this is no catalogue of n8n workflows", path.display()));
    }
    let vendor = VendorInfo { name: naming::line(&naming::title(&folder), 100), slug: naming::vendor_slug(&folder) };
    Ok(gather(sources, &vendor))
}

fn is_json(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("json"))
}

/// A workflow that was read, before it is known whether its name is its own.
struct Found {
    source: Source,
    name: String,
    workflow: Map<String, Value>,
}

fn gather(sources: Vec<Source>, vendor: &VendorInfo) -> Catalogue {
    let mut catalogue =
        Catalogue { name: vendor.slug.clone(), entries: Vec::new(), refused: Vec::new(), duplicates: Vec::new() };
    let mut seen = HashMap::<String, String>::new();
    let mut found = Vec::new();
    for source in sources {
        match open(&source) {
            Ok((digest, workflow)) => {
                if let Some(of) = seen.get(&digest) {
                    catalogue.duplicates.push(Duplicate { file: source.path, of: of.clone() });
                    continue;
                }
                seen.insert(digest, source.path.clone());
                let name = naming::plugin_name(&[stated_name(&workflow).unwrap_or_default(), stem(&source.path)]);
                found.push(Found { source, name, workflow });
            }
            Err(problem) => {
                let name = Some(naming::plugin_name(&[stem(&source.path)]));
                catalogue.refused.push(Refused { place: problem.place(&source.path), name, reason: problem.reason });
            }
        }
    }
    let items: Vec<_> = found.iter().map(|found| (found.name.clone(), found.source.path.clone())).collect();
    for (found, name) in found.into_iter().zip(naming::distinct(&items)) {
        let place = found.source.path.clone();
        match entry(found, name.clone(), vendor) {
            Ok(entry) => catalogue.entries.push(entry),
            Err(reason) => catalogue.refused.push(Refused { place, name: Some(name), reason }),
        }
    }
    catalogue.refused.sort();
    catalogue
}

fn open(source: &Source) -> Result<(String, Map<String, Value>), Problem> {
    let bytes = fs::read(&source.from).map_err(|error| Problem { at: None, reason: error.to_string() })?;
    let text = files::text(&source.from)?;
    let not_one = |reason: &str| Problem { at: None, reason: format!("the file is no n8n workflow: {reason}") };
    let workflow = match files::json(&text)? {
        Value::Object(object) => object,
        Value::Array(_) => return Err(not_one("it is a list; export each workflow to a file of its own")),
        _ => return Err(not_one("it is no JSON object")),
    };
    match workflow.get("nodes") {
        Some(Value::Array(nodes)) if !nodes.is_empty() => Ok((sha256(&bytes), workflow)),
        Some(Value::Array(_)) => Err(not_one("its list of `nodes` is empty")),
        _ => Err(not_one("it has no list of `nodes`")),
    }
}

fn entry(found: Found, name: String, vendor: &VendorInfo) -> Result<Entry, String> {
    let Found { source, workflow, .. } = found;
    let path = source.path;
    let details = details(&path, &workflow).checked().map_err(|invalid| invalid.to_string())?;
    let mut origin = Map::new();
    origin.insert("entry".to_owned(), json!(FILE));
    origin.insert("source".to_owned(), json!({ "kind": "n8n", "catalogue": vendor.slug, "path": path }));
    Ok(Entry {
        key: format!("n8n/{}/{path}", vendor.slug),
        vendor: vendor.clone(),
        name,
        details,
        version: VersionRule::Counted,
        origin,
        files: vec![Source { path: FILE.to_owned(), from: source.from }],
        made: Vec::new(),
        place: path,
    })
}

fn details(path: &str, workflow: &Map<String, Value>) -> Details {
    let stem = stem(path);
    let name = naming::line(stated_name(workflow).unwrap_or(&stem.replace('_', " ")), 200);
    let nodes = about::nodes(workflow);
    let credentials = about::credentials(workflow);
    let steps = nodes.iter().filter(|node| !node.is_note()).count();
    let category = path.split_once('/').map(|(folder, _)| naming::slug(folder)).filter(|slug| !slug.is_empty());
    Details {
        display_name: if name.is_empty() { "Workflow".to_owned() } else { name },
        kind: Kind::Workflow,
        summary: naming::line(&about::summary(workflow, &nodes), 1_000),
        description: naming::body(&about::description(workflow, &nodes), 40_000),
        category: category.map_or("other".to_owned(), |slug| naming::line(&slug, 64)),
        tags: tags::of(workflow, &nodes),
        license: naming::license(None),
        media: Vec::new(),
        complexity: Some(match steps {
            0..=5 => Complexity::Beginner,
            6..=15 => Complexity::Intermediate,
            _ => Complexity::Advanced,
        }),
        // Opening and trying it, and a few minutes for each account to connect.
        setup_minutes: Some(u32::try_from(5 + 5 * credentials.len()).unwrap_or(60).min(60)),
        requirements: credentials
            .iter()
            .take(50)
            .map(|kind| naming::line(&format!("Credential `{kind}`"), 200))
            .collect(),
    }
}

fn stated_name(workflow: &Map<String, Value>) -> Option<&str> {
    workflow.get("name")?.as_str().map(str::trim).filter(|name| !name.is_empty())
}

/// The name of the file without folders and extension.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}
