//! Docker's catalogue of MCP servers: a folder each, with a `server.yaml` and perhaps a `tools.json`.

mod template;

use std::{collections::HashMap, fs, path::Path};

use serde_json::{Map, Value, json};
use souk_package::sha256;

use super::{
    catalogue::{Catalogue, Duplicate, Refused, Source},
    files::{self, Problem},
    naming,
    server_json::{self, Found, Server, field},
    yaml,
};

const FILE: &str = "server.yaml";
const TOOLS: &str = "tools.json";
/// Under which a server of this catalogue has its name in `server.json`: the domain of whose catalogue it is, reversed.
const NAMESPACE: &str = "com.docker.mcp";
/// Who a server without an address of its source belongs to.
const HOUSE: &str = "Docker MCP Catalog";

/// Reads every `server.yaml` under a folder, or one such file.
///
/// # Errors
/// Why there is nothing to read; what is wrong with single files is in the catalogue.
pub fn read(path: &Path) -> Result<Catalogue, String> {
    let (folder, sources) = files::named(path, |file| file.rsplit('/').next() == Some(FILE))?;
    if sources.is_empty() {
        return Err(format!("{}: there is no {FILE}, so this is no catalogue of Docker's MCP servers", path.display()));
    }
    let mut catalogue = Catalogue {
        name: naming::vendor_slug(&folder),
        entries: Vec::new(),
        refused: Vec::new(),
        duplicates: Vec::new(),
    };
    let mut seen = HashMap::<String, String>::new();
    let mut servers = Vec::new();
    for source in sources {
        match open(&source) {
            Ok((digest, description)) => {
                if let Some(of) = seen.get(&digest) {
                    catalogue.duplicates.push(Duplicate { file: source.path, of: of.clone() });
                    continue;
                }
                seen.insert(digest, source.path.clone());
                servers.push((source.path, description));
            }
            Err(refused) => catalogue.refused.push(refused),
        }
    }
    let plugins: Vec<_> = servers.iter().map(|(path, it)| (naming::mcp_name(&it.name), path.clone())).collect();
    for ((path, description), plugin) in servers.into_iter().zip(naming::distinct(&plugins)) {
        let found = Found {
            key: format!("mcp/{}/{path}", catalogue.name),
            source: json!({ "kind": "mcp", "catalogue": catalogue.name, "path": path }),
            vendor: description.vendor(),
            place: path.clone(),
            plugin: plugin.clone(),
        };
        match server_json::entry(&description.server(), found) {
            Ok(entry) => catalogue.entries.push(entry),
            Err(reason) => catalogue.refused.push(Refused { place: path, name: Some(plugin), reason }),
        }
    }
    catalogue.refused.sort();
    Ok(catalogue)
}

/// A `server.yaml` and the `tools.json` beside it.
struct Description {
    name: String,
    yaml: Value,
    tools: Option<(Value, Vec<u8>)>,
}

/// Its digest and what it says.
fn open(source: &Source) -> Result<(String, Description), Refused> {
    let folder = source.path.rsplit('/').nth(1).unwrap_or(&source.path);
    let refuse = |file: &str, problem: Problem| Refused {
        place: problem.place(file),
        name: Some(naming::mcp_name(folder)),
        reason: problem.reason,
    };
    let no_server = |reason: &str| Problem { at: None, reason: format!("the file describes no MCP server: {reason}") };
    let text = files::text(&source.from).map_err(|problem| refuse(&source.path, problem))?;
    let yaml = yaml::parse(&text).map_err(|problem| refuse(&source.path, problem))?;
    let Some(name) = field(&yaml, "name").map(str::to_owned) else {
        return Err(refuse(&source.path, no_server("`name` is missing")));
    };
    if naming::slug(&name).is_empty() {
        return Err(refuse(&source.path, no_server("`name` has no letter or digit")));
    }
    let tools = tools(source).map_err(|problem| refuse(&source.path.replace(FILE, TOOLS), problem))?;
    let bytes = tools.as_ref().map(|(_, bytes)| bytes.as_slice()).unwrap_or_default();
    let digest = sha256(&[text.as_bytes(), b"\0", bytes].concat());
    Ok((digest, Description { name, yaml, tools }))
}

fn tools(source: &Source) -> Result<Option<(Value, Vec<u8>)>, Problem> {
    let path = source.from.with_file_name(TOOLS);
    if !path.is_file() {
        return Ok(None);
    }
    let tools = files::text(&path).and_then(|text| files::json(&text))?;
    let bytes = fs::read(&path).map_err(|error| Problem { at: None, reason: error.to_string() })?;
    Ok(Some((tools, bytes)))
}

impl Description {
    fn vendor(&self) -> super::catalogue::VendorInfo {
        let project = self.yaml.get("source").and_then(|source| field(source, "project"));
        project.and_then(server_json::owner).unwrap_or_else(|| server_json::vendor(HOUSE))
    }

    fn server(&self) -> Server {
        let yaml = &self.yaml;
        let about = yaml.get("about").unwrap_or(&Value::Null);
        let meta = yaml.get("meta").unwrap_or(&Value::Null);
        let tags = meta.get("tags").and_then(Value::as_array).into_iter().flatten();
        let category = naming::slug(field(meta, "category").unwrap_or_default());
        Server {
            name: format!("{NAMESPACE}/{}", naming::slug(&self.name)),
            title: field(about, "title").map_or_else(|| naming::title(&self.name), str::to_owned),
            about: field(about, "description").unwrap_or_default().to_owned(),
            version: None,
            fields: self.fields(about),
            category: if category.is_empty() { "other".to_owned() } else { category },
            tags: tags.filter_map(Value::as_str).map(str::to_owned).collect(),
            tools: self.tools.clone(),
        }
    }

    fn fields(&self, about: &Value) -> Map<String, Value> {
        let mut fields = Map::new();
        if let Some(source) = self.yaml.get("source")
            && let Some(url) = field(source, "project")
        {
            let host = if url.contains("gitlab.com/") { "gitlab" } else { "github" };
            let mut repository = json!({ "url": url, "source": host });
            if let (Some(repository), Some(folder)) = (repository.as_object_mut(), field(source, "directory")) {
                repository.insert("subfolder".to_owned(), json!(folder));
            }
            fields.insert("repository".to_owned(), repository);
        }
        if let Some(icon) = field(about, "icon").filter(|icon| icon.starts_with("https://") && icon.len() <= 255) {
            fields.insert("icons".to_owned(), json!([{ "src": icon }]));
        }
        if let Some(image) = field(&self.yaml, "image") {
            fields.insert("packages".to_owned(), json!([self.package(image)]));
        }
        if let Some(remote) = self.yaml.get("remote")
            && let Some(url) = field(remote, "url")
        {
            fields.insert("remotes".to_owned(), json!([self.remote(remote, url)]));
        }
        fields
    }

    fn package(&self, image: &str) -> Value {
        let run = self.yaml.get("run").unwrap_or(&Value::Null);
        let texts = |name: &str| {
            let list = run.get(name).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(Value::as_str).collect::<Vec<_>>()
        };
        let named = |name: &str, value: &str| self.input(value, json!({ "type": "named", "name": name }));
        let mut runtime: Vec<_> = texts("volumes").into_iter().map(|volume| named("-v", volume)).collect();
        runtime.extend(texts("ports").into_iter().map(|port| named("-p", port)));
        runtime.extend(field(run, "user").map(|user| named("-u", user)));
        if run.get("disableNetwork") == Some(&Value::Bool(true)) {
            runtime.push(named("--network", "none"));
        }
        let arguments = texts("command").into_iter();
        let arguments: Vec<_> = arguments.map(|text| self.input(text, json!({ "type": "positional" }))).collect();
        let mut package = json!({
            "registryType": "oci",
            // An image without a host is one of Docker's own registry.
            "identifier": if image.split('/').next().is_some_and(|host| host.contains('.')) { image.to_owned() }
                else { format!("docker.io/{image}") },
            "runtimeHint": "docker",
            "transport": { "type": "stdio" },
        });
        if let Some(package) = package.as_object_mut() {
            let lists = [
                ("runtimeArguments", runtime),
                ("packageArguments", arguments),
                ("environmentVariables", self.variables(run)),
            ];
            for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
                package.insert(name.to_owned(), Value::Array(list));
            }
        }
        package
    }

    fn variables(&self, run: &Value) -> Vec<Value> {
        let mut variables: Vec<_> = self
            .secrets()
            .filter_map(|secret| {
                let mut input = json!({ "name": field(secret, "env")?, "isSecret": true,
                    "isRequired": secret.get("required") != Some(&Value::Bool(false)) });
                put(&mut input, "description", field(secret, "description"));
                Some(input)
            })
            .collect();
        let config = self.yaml.get("config").and_then(|config| config.get("env")).and_then(Value::as_array);
        variables.extend(config.into_iter().flatten().filter_map(|it| {
            let name = field(it, "env").or_else(|| field(it, "name"))?;
            let mut input = json!({ "name": name });
            put(&mut input, "description", field(it, "description"));
            let example = it.get("example").map(template::text).filter(|text| !text.is_empty());
            put(&mut input, "placeholder", example.as_deref());
            put(&mut input, "default", field(it, "default"));
            match field(it, "value") {
                Some(value) => Some(self.input(value, input)),
                None => Some(input),
            }
        }));
        let fixed = run.get("env").and_then(Value::as_object).into_iter().flatten();
        variables.extend(fixed.map(|(name, value)| self.input(&template::text(value), json!({ "name": name }))));
        variables
    }

    fn remote(&self, remote: &Value, url: &str) -> Value {
        let headers = remote.get("headers").and_then(Value::as_object).into_iter().flatten();
        let headers: Vec<_> = headers
            .map(|(name, value)| {
                let (value, names) = template::shell(&template::text(value));
                let variables: Map<_, _> = names.into_iter().map(|name| self.secret(name)).collect();
                let mut header = json!({ "name": name, "value": value });
                if let Some(header) = header.as_object_mut().filter(|_| !variables.is_empty()) {
                    header.insert("isSecret".to_owned(), json!(true));
                    header.insert("variables".to_owned(), Value::Object(variables));
                }
                header
            })
            .collect();
        let kind = if field(remote, "transport_type") == Some("sse") { "sse" } else { "streamable-http" };
        let mut remote = json!({ "type": kind, "url": url });
        if let Some(remote) = remote.as_object_mut().filter(|_| !headers.is_empty()) {
            remote.insert("headers".to_owned(), Value::Array(headers));
        }
        remote
    }

    /// A variable of this name, with what the description says of the secret that it is.
    fn secret(&self, name: String) -> (String, Value) {
        let described = self.secrets().find(|secret| field(secret, "env") == Some(&name));
        let mut variable = json!({ "isRequired": true, "isSecret": true });
        put(&mut variable, "description", described.and_then(|secret| field(secret, "description")));
        (name, variable)
    }

    fn secrets(&self) -> impl Iterator<Item = &Value> {
        let config = self.yaml.get("config").and_then(|config| config.get("secrets"));
        config.and_then(Value::as_array).into_iter().flatten()
    }

    /// `input` with what the template `value` says of its value.
    fn input(&self, value: &str, input: Value) -> Value {
        let parameters = self.yaml.get("config").and_then(|config| config.get("parameters"));
        template::input(value, parameters.unwrap_or(&Value::Null), input)
    }
}

fn put(object: &mut Value, name: &str, text: Option<&str>) {
    if let (Some(object), Some(text)) = (object.as_object_mut(), text) {
        object.insert(name.to_owned(), json!(text));
    }
}
