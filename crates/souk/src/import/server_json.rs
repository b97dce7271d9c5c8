//! What the two catalogues of MCP servers have in common: a `server.json` and the listing that follows from it.
//!
//! The format is the one of the MCP registry, schema 2025-12-11: its fields, and the bounds that registries hold them to.

use serde_json::{Map, Value, json};
use souk_domain::listing::{Complexity, Details, Kind};
use souk_package::sha256;

use super::{
    catalogue::{Entry, Made, VendorInfo, VersionRule},
    naming,
};

/// The schema that a `server.json` names.
pub const SCHEMA: &str = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json";
/// What the file is called in its archive.
const FILE: &str = "server.json";
/// As long as a registry lets the description be; the whole of it is in the listing.
const LONGEST_DESCRIPTION: usize = 100;
const LONGEST_TITLE: usize = 100;
/// Variables that are named as requirements, and tools that are named in the description.
const MOST_NAMED: usize = 50;

/// A server as one of the catalogues describes it.
pub struct Server {
    /// Its name in `server.json`: a reversed domain, a slash and a name.
    pub name: String,
    /// Name to show.
    pub title: String,
    /// Everything that is said about it; may be empty.
    pub about: String,
    /// What stands in `server.json`; none when the catalogue does not say.
    pub version: Option<String>,
    /// Further fields of `server.json`: `repository`, `packages`, `remotes` and the like.
    pub fields: Map<String, Value>,
    /// Slug of its category.
    pub category: String,
    /// Its tags, as they are written.
    pub tags: Vec<String>,
    /// The tools it offers, where the catalogue lists them, in the file's own bytes.
    pub tools: Option<(Value, Vec<u8>)>,
}

/// Where a server was found.
pub struct Found {
    /// Where it stands, for people.
    pub place: String,
    /// The entry's key.
    pub key: String,
    /// The manifest's `source`.
    pub source: Value,
    /// Whose it is.
    pub vendor: VendorInfo,
    /// Its name as a plugin.
    pub plugin: String,
}

/// The entry of a server.
///
/// # Errors
/// Why its details are not accepted.
pub fn entry(server: &Server, found: Found) -> Result<Entry, String> {
    let details = details(server).checked().map_err(|invalid| invalid.to_string())?;
    let version = server.version.as_deref().and_then(naming::version).map_or(VersionRule::Counted, VersionRule::Stated);
    let json = json(server);
    let contents = serde_json::to_vec_pretty(&json).map_err(|error| error.to_string())?;
    let mut made = vec![Made { path: FILE.to_owned(), contents }];
    if let Some((_, tools)) = &server.tools {
        made.push(Made { path: "tools.json".to_owned(), contents: tools.clone() });
    }
    let mut origin = Map::new();
    if let Some(address) = server.fields.get("repository").and_then(|it| it.get("url")) {
        origin.insert("repository".to_owned(), address.clone());
    }
    origin.insert("author".to_owned(), json!({ "name": found.vendor.name }));
    origin.insert("entry".to_owned(), json!(FILE));
    origin.insert("source".to_owned(), found.source);
    Ok(Entry {
        key: found.key,
        place: found.place,
        vendor: found.vendor,
        name: found.plugin,
        details,
        version,
        origin,
        files: Vec::new(),
        made,
    })
}

fn json(server: &Server) -> Map<String, Value> {
    let mut json = server.fields.clone();
    json.insert("$schema".to_owned(), json!(SCHEMA));
    json.insert("name".to_owned(), json!(server.name));
    json.insert("title".to_owned(), json!(naming::line(&server.title, LONGEST_TITLE)));
    json.insert("description".to_owned(), json!(naming::line(&summary(server), LONGEST_DESCRIPTION)));
    let version = server.version.clone().unwrap_or_else(|| {
        // A registry wants a version. Where none is stated, equal contents have equal ones, and it is below every real one.
        let contents = Value::Object(json.clone()).to_string();
        format!("0.0.0-d{}", sha256(contents.as_bytes()).get(..12).unwrap_or_default())
    });
    json.insert("version".to_owned(), json!(version));
    json
}

fn summary(server: &Server) -> String {
    let said = naming::line(&server.about, 1_000);
    if said.is_empty() { format!("{}, a server for the Model Context Protocol.", server.title) } else { said }
}

fn details(server: &Server) -> Details {
    let inputs = inputs(&server.fields);
    let required: Vec<_> = inputs.iter().filter(|input| input.is_required).collect();
    Details {
        display_name: naming::line(&server.title, 200),
        kind: Kind::McpServer,
        summary: summary(server),
        description: naming::body(&description(server, &inputs), 40_000),
        category: naming::line(&server.category, 64),
        tags: naming::tags(server.tags.iter().cloned().chain(["mcp".to_owned()])),
        license: naming::license(None),
        media: Vec::new(),
        complexity: Some(match inputs.len() {
            0..=2 => Complexity::Beginner,
            3..=8 => Complexity::Intermediate,
            _ => Complexity::Advanced,
        }),
        // Adding it to a client, and a few minutes for each value to find.
        setup_minutes: Some(u32::try_from(5 + 5 * required.len()).unwrap_or(60).min(60)),
        requirements: required
            .iter()
            .take(MOST_NAMED)
            .map(|input| {
                let sort = if input.is_secret { "Secret" } else { "Setting" };
                naming::line(&format!("{sort} `{}`", input.name), 200)
            })
            .collect(),
    }
}

fn description(server: &Server, inputs: &[Input<'_>]) -> String {
    let mut text = if server.about.trim().is_empty() { summary(server) } else { server.about.trim().to_owned() };
    let tools = server.tools.as_ref().and_then(|(tools, _)| tools.as_array()).into_iter().flatten();
    let tools: Vec<_> = tools.filter_map(|tool| Some((field(tool, "name")?, field(tool, "description")))).collect();
    section(&mut text, "Tools", tools.into_iter().take(MOST_NAMED));
    let ways = list(&server.fields, "packages")
        .filter_map(|package| Some((field(package, "identifier")?, field(package, "registryType"))))
        .chain(
            list(&server.fields, "remotes").filter_map(|remote| Some((field(remote, "url")?, field(remote, "type")))),
        );
    section(&mut text, "How it is reached", ways);
    section(&mut text, "Settings", inputs.iter().map(|input| (input.name, input.about)));
    text
}

fn section<'a>(text: &mut String, title: &str, items: impl Iterator<Item = (&'a str, Option<&'a str>)>) {
    for (index, (name, about)) in items.enumerate() {
        if index == 0 {
            text.push_str(&format!("\n\n## {title}\n\n"));
        }
        let about = about.map(|about| format!(": {}", naming::line(about, 300))).unwrap_or_default();
        text.push_str(&format!("- `{name}`{about}\n"));
    }
}

/// A value that whoever runs the server gives it.
struct Input<'a> {
    name: &'a str,
    about: Option<&'a str>,
    is_required: bool,
    is_secret: bool,
}

/// The variables of packages and the headers of remotes; of a header that is put together from variables, those. Each once.
fn inputs(fields: &Map<String, Value>) -> Vec<Input<'_>> {
    let given = list(fields, "packages").flat_map(|package| listed(package, "environmentVariables"));
    let given = given.chain(list(fields, "remotes").flat_map(|remote| listed(remote, "headers")));
    let mut inputs = Vec::<Input<'_>>::new();
    for input in given {
        let variables = input.get("variables").and_then(Value::as_object).into_iter().flatten();
        let mut of: Vec<_> = variables.map(|(name, variable)| (name.as_str(), variable)).collect();
        if of.is_empty() && input.get("value").is_none() {
            of.extend(field(input, "name").map(|name| (name, input)));
        }
        for (name, input) in of {
            if inputs.iter().all(|known| known.name != name) {
                inputs.push(Input {
                    name,
                    about: field(input, "description"),
                    is_required: input.get("isRequired") != Some(&Value::Bool(false)),
                    is_secret: input.get("isSecret") == Some(&Value::Bool(true)),
                });
            }
        }
    }
    inputs
}

fn list<'a>(fields: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a Value> {
    fields.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn listed<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// A text that is not empty.
pub fn field<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// The vendor that an address of GitHub or GitLab names: its first folder.
pub fn owner(address: &str) -> Option<VendorInfo> {
    let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"))?;
    let (host, path) = rest.split_once('/')?;
    let owner = path.split('/').next().filter(|owner| !owner.is_empty())?;
    ["github.com", "www.github.com", "gitlab.com"].contains(&host).then(|| vendor(owner))
}

/// The vendor of this name.
pub fn vendor(name: &str) -> VendorInfo {
    VendorInfo { name: naming::line(name, 100), slug: naming::vendor_slug(name) }
}
