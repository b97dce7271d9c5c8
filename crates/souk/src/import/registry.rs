//! Entries of MCP registries: lists of `server.json`, as their API answers them and as older lists spell them.
//!
//! A file is a list, or an object with a list of `servers`. An item is a `server.json`, or has one as `server`. Older lists
//! write names of fields with underscores, and call some of them otherwise.

use std::collections::HashMap;

use semver::Version;
use serde_json::{Map, Value, json};

use super::{
    catalogue::{Catalogue, Duplicate, Entry, Refused, VendorInfo},
    files, naming,
    server_json::{self, Found, Server, field},
};

/// Under which a publisher's own data stands in a `server.json`, and as many bytes as a registry takes there.
const PUBLISHER: &str = "io.modelcontextprotocol.registry/publisher-provided";
const MOST_OF_PUBLISHER: usize = 4_096;
/// What older lists call another way.
const RENAMED: [(&str, &str); 2] = [("registryName", "registryType"), ("transportType", "type")];

/// Reads every `.json` file under a folder, or one such file.
///
/// # Errors
/// Why there is nothing to read; what is wrong with single files and entries is in the catalogue.
pub fn read(path: &std::path::Path) -> Result<Catalogue, String> {
    let (folder, sources) = files::named(path, |file| file.to_ascii_lowercase().ends_with(".json"))?;
    if sources.is_empty() {
        return Err(format!("{}: there is no .json file, so this is no catalogue of an MCP registry", path.display()));
    }
    let mut catalogue = Catalogue {
        name: naming::vendor_slug(&folder),
        entries: Vec::new(),
        refused: Vec::new(),
        duplicates: Vec::new(),
    };
    let mut items = Vec::new();
    for source in sources {
        let list = files::text(&source.from)
            .and_then(|text| files::json(&text))
            .map_err(|it| (it.place(&source.path), it.reason));
        match list.and_then(|list| listed(list).ok_or_else(|| (source.path.clone(), NO_LIST.to_owned()))) {
            Ok(list) => items
                .extend(list.into_iter().enumerate().map(|(at, it)| (format!("{}: servers[{at}]", source.path), it))),
            Err((place, reason)) => catalogue.refused.push(Refused { place, name: None, reason }),
        }
    }
    let servers = newest(items, &mut catalogue);
    let plugins: Vec<_> =
        servers.iter().map(|it| (naming::registry_name(&it.server.name), it.server.name.clone())).collect();
    for (item, plugin) in servers.into_iter().zip(naming::distinct(&plugins)) {
        match entry(&item, &catalogue.name, plugin.clone()) {
            Ok(entry) => catalogue.entries.push(entry),
            Err(reason) => catalogue.refused.push(Refused { place: item.place, name: Some(plugin), reason }),
        }
    }
    Ok(catalogue)
}

const NO_LIST: &str = "the file is no list of a registry's servers";

fn listed(file: Value) -> Option<Vec<Value>> {
    match file {
        Value::Array(items) => Some(items),
        Value::Object(mut object) => match object.remove("servers")? {
            Value::Array(items) => Some(items),
            _ => None,
        },
        _ => None,
    }
}

/// A named server of the list.
struct Item {
    place: String,
    server: Server,
    is_latest: bool,
}

/// The servers that have a name, each in its latest version and once; the others are refused or told as duplicates.
fn newest(items: Vec<(String, Value)>, catalogue: &mut Catalogue) -> Vec<Item> {
    let mut known = HashMap::<String, usize>::new();
    let mut seen = HashMap::<String, String>::new();
    let mut servers = Vec::<Item>::new();
    for (place, value) in items {
        let bytes = value.to_string();
        let item = match item(value, place) {
            Ok(item) => item,
            Err(refused) => {
                catalogue.refused.push(refused);
                continue;
            }
        };
        if let Some(of) = seen.get(&bytes) {
            catalogue.duplicates.push(Duplicate { file: item.place, of: of.clone() });
            continue;
        }
        seen.insert(bytes, item.place.clone());
        let Some(kept) = known.get(&item.server.name).and_then(|at| servers.get_mut(*at)) else {
            known.insert(item.server.name.clone(), servers.len());
            servers.push(item);
            continue;
        };
        let older = if is_newer(&item, kept) { std::mem::replace(kept, item) } else { item };
        let reason = format!("{} has another version of this server, and only the latest is imported", kept.place);
        catalogue.refused.push(Refused { place: older.place, name: Some(older.server.name), reason });
    }
    servers
}

fn is_newer(item: &Item, than: &Item) -> bool {
    let version = |item: &Item| item.server.version.as_deref().and_then(naming::version);
    let rank = |item: &Item| (item.is_latest, version(item));
    let ((latest, version), (other_latest, other)) = (rank(item), rank(than));
    match (version, other) {
        _ if latest != other_latest => latest,
        (Some(version), Some(other)) => Version::cmp_precedence(&version, &other).is_gt(),
        (version, other) => version.is_some() && other.is_none(),
    }
}

fn item(value: Value, place: String) -> Result<Item, Refused> {
    let id = field(&value, "id").map(str::to_owned);
    let refuse = |name: Option<String>, reason: &str| Refused { place: place.clone(), name, reason: reason.to_owned() };
    let Value::Object(outer) = camel(value) else {
        return Err(refuse(None, "the entry is no JSON object"));
    };
    let inner = outer.get("server").and_then(Value::as_object).cloned();
    let mut fields = inner.unwrap_or_else(|| outer.clone());
    let detail = fields.remove("versionDetail").unwrap_or(Value::Null);
    let official = outer.get("_meta").and_then(|meta| meta.get("io.modelcontextprotocol.registry/official"));
    let is_latest =
        [Some(&detail), official].into_iter().flatten().any(|it| it.get("isLatest") == Some(&Value::Bool(true)));
    let text = |name: &str| {
        fields.get(name).and_then(Value::as_str).map(|text| text.trim().to_owned()).filter(|it| !it.is_empty())
    };
    let Some(name) = text("name") else {
        return Err(refuse(id, "`name` is blank"));
    };
    if naming::slug(&name).is_empty() {
        return Err(refuse(Some(name), "`name` has no letter or digit"));
    }
    let short = name.rsplit('/').next().unwrap_or(&name);
    let server = Server {
        title: text("title").unwrap_or_else(|| naming::title(short)),
        about: text("description").unwrap_or_default(),
        version: text("version").or_else(|| field(&detail, "version").map(str::to_owned)),
        category: "other".to_owned(),
        tags: naming::slug(short).split('-').filter(|word| word.len() > 2).map(str::to_owned).collect(),
        fields: kept(fields),
        tools: None,
        name,
    };
    Ok(Item { place, server, is_latest })
}

/// The fields that a `server.json` has beside its name, description and version, in today's shape.
fn kept(mut fields: Map<String, Value>) -> Map<String, Value> {
    let mut kept = Map::new();
    for name in ["repository", "websiteUrl", "icons", "remotes"] {
        if let Some(value) = fields.remove(name).map(without_blanks).filter(|value| !is_blank(value)) {
            kept.insert(name.to_owned(), value);
        }
    }
    let packages = match fields.remove("packages").map(without_blanks) {
        Some(Value::Array(packages)) => packages,
        _ => Vec::new(),
    };
    let packages: Vec<_> = packages.into_iter().map(package).collect();
    // A registry that is not known is no place to get a package from; what is said of it stays readable.
    let (unknown, packages): (Vec<_>, Vec<_>) =
        packages.into_iter().partition(|it| matches!(field(it, "registryType"), None | Some("unknown")));
    if !packages.is_empty() {
        kept.insert("packages".to_owned(), Value::Array(packages));
    }
    let told = json!({ "packages": unknown });
    if !unknown.is_empty() && told.to_string().len() <= MOST_OF_PUBLISHER {
        kept.insert("_meta".to_owned(), json!({ PUBLISHER: told }));
    }
    kept
}

fn package(mut package: Value) -> Value {
    let Some(fields) = package.as_object_mut() else { return package };
    if let Some(name) = fields.remove("name") {
        fields.entry("identifier").or_insert(name);
    }
    if fields.get("registryType").and_then(Value::as_str) == Some("docker") {
        fields.insert("registryType".to_owned(), json!("oci"));
        // The tag of an image is part of its identifier.
        if let (Some(version), Some(image)) =
            (fields.remove("version"), fields.get("identifier").and_then(Value::as_str))
            && let (Some(version), false) = (version.as_str(), image.contains(['@', ':']))
        {
            let tagged = format!("{image}:{version}");
            fields.insert("identifier".to_owned(), json!(tagged));
        }
    }
    let hint = match fields.get("registryType").and_then(Value::as_str) {
        Some("npm") => Some("npx"),
        Some("pypi") => Some("uvx"),
        Some("oci") => Some("docker"),
        Some("nuget") => Some("dnx"),
        _ => None,
    };
    if let Some(hint) = hint {
        fields.entry("runtimeHint").or_insert(json!(hint));
    }
    fields.entry("transport").or_insert(json!({ "type": "stdio" }));
    package
}

fn entry(item: &Item, catalogue: &str, plugin: String) -> Result<Entry, String> {
    let name = &item.server.name;
    server_json::entry(
        &item.server,
        Found {
            place: item.place.clone(),
            key: format!("mcp-registry/{catalogue}/{name}"),
            source: json!({ "kind": "mcp-registry", "catalogue": catalogue, "name": name }),
            vendor: vendor(name, catalogue),
            plugin,
        },
    )
}

/// Whose a server is: the account or the domain in whose name it is, else the catalogue's.
fn vendor(name: &str, catalogue: &str) -> VendorInfo {
    let Some((namespace, _)) = name.split_once('/') else { return server_json::vendor(&naming::title(catalogue)) };
    let account =
        ["io.github.", "io.gitlab.", "com.github.", "com.gitlab."].iter().find_map(|host| namespace.strip_prefix(host));
    match account {
        Some(account) => server_json::vendor(account),
        None => server_json::vendor(&namespace.rsplit('.').collect::<Vec<_>>().join(".")),
    }
}

/// With names of fields as they are written today. Names that are data, of headers and variables, stay.
fn camel(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(camel).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| {
                let name = renamed(&name);
                let is_data = matches!(name.as_str(), "variables" | "_meta");
                (name, if is_data { value } else { camel(value) })
            })
            .collect::<Map<_, _>>()
            .into(),
        scalar => scalar,
    }
}

fn renamed(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default();
    if first.is_empty() {
        return name.to_owned();
    }
    let mut camel = first.to_owned();
    for word in words {
        let mut chars = word.chars();
        camel.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(chars.as_str());
    }
    RENAMED.iter().find(|(old, _)| *old == camel).map_or(camel, |(_, new)| (*new).to_owned())
}

/// Without empty texts, and without what then is empty.
fn without_blanks(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(without_blanks).filter(|it| !is_blank(it)).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, without_blanks(value)));
            Value::Object(fields.filter(|(_, value)| !is_blank(value)).collect())
        }
        scalar => scalar,
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}
