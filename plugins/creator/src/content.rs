//! The files that a package of each kind consists of.

use serde_json::{Map, Value, json};
use souk_domain::listing::Kind;

use crate::{
    Problem,
    markdown::{fenced, head, plain},
    specification::{Node, Part, Server, Specification},
};

/// The schema that a `server.json` names.
const SERVER_SCHEMA: &str = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json";
/// As long as a registry lets a server's description be.
const LONGEST_SERVER_DESCRIPTION: usize = 100;

/// A text file: its path and its contents.
pub(crate) type Text = (String, String);

/// What makes the package one of its kind; the first is the one to begin with.
pub(crate) fn of_kind(specification: &Specification) -> Result<Vec<Text>, Problem> {
    Ok(match specification.kind {
        Kind::Agent => vec![agent(&specification.itself())],
        Kind::Skill => vec![("SKILL.md".to_owned(), skill(&specification.itself()))],
        Kind::Command => vec![command(&specification.itself())],
        Kind::Plugin => plugin(specification),
        Kind::McpServer => specification.server.iter().map(|it| server(specification, it)).collect(),
        Kind::Workflow => vec![workflow(specification)?],
        Kind::Asset => Vec::new(),
    })
}

fn agent(part: &Part) -> Text {
    let head = head(&[
        ("name", Some(part.name.clone())),
        ("description", Some(part.summary.clone())),
        ("tools", list(&part.allowed_tools)),
        ("model", part.model.clone()),
    ]);
    (format!("agents/{}.md", part.name), format!("{head}\n{}", body(part)))
}

fn skill(part: &Part) -> String {
    let head = head(&[
        ("name", Some(part.name.clone())),
        ("description", Some(part.summary.clone())),
        ("allowed-tools", list(&part.allowed_tools)),
    ]);
    format!("{head}\n{}", body(part))
}

fn command(part: &Part) -> Text {
    let head = head(&[
        ("description", Some(part.summary.clone())),
        ("argument-hint", part.argument_hint.clone()),
        ("allowed-tools", list(&part.allowed_tools)),
        ("model", part.model.clone()),
    ]);
    (format!("commands/{}.md", part.name), format!("{head}\n{}", body(part)))
}

fn list(items: &[String]) -> Option<String> {
    (!items.is_empty()).then(|| items.join(", "))
}

fn body(part: &Part) -> String {
    let mut text = format!("# {}\n", plain(part.display_name.as_deref().unwrap_or(&part.name)));
    if let Some(instructions) = &part.instructions {
        text.push_str(&format!("\n{}\n", instructions.trim()));
    }
    if !part.steps.is_empty() {
        text.push('\n');
        for (index, step) in part.steps.iter().enumerate() {
            text.push_str(&format!("{}. {}\n", index + 1, plain(step)));
        }
    }
    text
}

fn plugin(specification: &Specification) -> Vec<Text> {
    let mut about = Map::new();
    about.insert("name".to_owned(), json!(specification.name));
    about.insert("version".to_owned(), json!(specification.version));
    about.insert("description".to_owned(), json!(specification.summary));
    if let Some(author) = &specification.author {
        about.insert("author".to_owned(), json!({ "name": author }));
    }
    let optional = [
        ("homepage", &specification.homepage),
        ("repository", &specification.repository),
        ("license", &specification.license),
    ];
    about.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?)))));
    let mut files = vec![(".claude-plugin/plugin.json".to_owned(), pretty(&Value::Object(about)))];
    files.extend(specification.agents.iter().map(agent));
    files.extend(specification.commands.iter().map(command));
    files.extend(specification.skills.iter().map(|part| (format!("skills/{}/SKILL.md", part.name), skill(part))));
    files
}

fn server(specification: &Specification, server: &Server) -> Text {
    let mut object = Map::new();
    object.insert("$schema".to_owned(), json!(SERVER_SCHEMA));
    object.insert("name".to_owned(), json!(server.name));
    let title = specification.display_name.as_ref().unwrap_or(&specification.name);
    object.insert("title".to_owned(), json!(shortened(title)));
    object.insert("description".to_owned(), json!(shortened(&specification.summary)));
    object.insert("version".to_owned(), json!(specification.version));
    for (name, ways) in [("packages", &server.packages), ("remotes", &server.remotes)] {
        if !ways.is_empty() {
            object.insert(name.to_owned(), json!(ways));
        }
    }
    ("server.json".to_owned(), pretty(&Value::Object(object)))
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST_SERVER_DESCRIPTION {
        return text.to_owned();
    }
    let cut: String = text.chars().take(LONGEST_SERVER_DESCRIPTION - 1).collect();
    format!("{}…", cut.trim_end())
}

/// A trigger, which is made when none is named, and the nodes behind it; in a row when no connections are named.
fn workflow(specification: &Specification) -> Result<Text, Problem> {
    let trigger = specification.trigger.clone().unwrap_or_else(|| Node {
        name: "Start".to_owned(),
        sort: "n8n-nodes-base.manualTrigger".to_owned(),
        type_version: None,
        parameters: Map::new(),
    });
    let all: Vec<&Node> = std::iter::once(&trigger).chain(&specification.nodes).collect();
    let is_known = |name: &str| all.iter().any(|node| node.name == name);
    let nodes: Vec<Value> = all.iter().enumerate().map(|(index, node)| node_json(index, node)).collect();
    let mut connections = Map::new();
    let mut connect = |from: &str, to: &[&str]| {
        let links: Vec<Value> = to.iter().map(|to| json!({"node": to, "type": "main", "index": 0})).collect();
        connections.insert(from.to_owned(), json!({ "main": [links] }));
    };
    match &specification.connections {
        None => {
            for pair in all.windows(2) {
                if let [from, to] = pair {
                    connect(&from.name, &[&to.name]);
                }
            }
        }
        Some(named) => {
            for (from, to) in named {
                if let Some(unknown) = std::iter::once(from).chain(to).find(|name| !is_known(name)) {
                    let what = format!("names {unknown:?}, and there is no such node");
                    return Err(Problem::invalid("connections", &what));
                }
                connect(from, &to.iter().map(String::as_str).collect::<Vec<_>>());
            }
        }
    }
    let title = specification.display_name.as_ref().unwrap_or(&specification.name);
    let workflow = json!({
        "name": title,
        "nodes": nodes,
        "connections": connections,
        "settings": { "executionOrder": "v1" },
    });
    Ok(("workflow.json".to_owned(), pretty(&workflow)))
}

fn node_json(index: usize, node: &Node) -> Value {
    let version = node.type_version.clone().unwrap_or_else(|| 1.into());
    json!({
        "id": format!("node-{}", index + 1),
        "name": node.name,
        "type": node.sort,
        "typeVersion": version,
        "position": [index * 220, 0],
        "parameters": node.parameters,
    })
}

/// What a person reads first.
pub(crate) fn readme(specification: &Specification, paths: &[String], samples: &[Value]) -> String {
    let title = specification.display_name.as_ref().unwrap_or(&specification.name);
    let mut text = format!("# {}\n\n{}\n", plain(title), plain(&specification.summary));
    if let Some(description) = &specification.description {
        text.push_str(&format!("\n{}\n", description.trim()));
    }
    if !specification.tools.is_empty() {
        text.push_str("\n## Tools\n\n");
        for tool in &specification.tools {
            text.push_str(&format!("- **{}**: {}\n", plain(&tool.name), plain(&tool.description)));
        }
    }
    if specification.rules.is_some() {
        text.push_str("\n## Running it\n\nIt answers JSON with JSON, by the rules in `rules.json`.\n");
        for sample in samples {
            let show = |field: &str| fenced("json", &pretty(sample.get(field).unwrap_or(&Value::Null)));
            let name = sample.get("name").and_then(Value::as_str).unwrap_or_default();
            text.push_str(&format!("\n{}, from\n\n{}\nto\n\n{}", plain(name), show("input"), show("expected")));
        }
    }
    text.push_str("\n## Files\n\n");
    for path in paths {
        text.push_str(&format!("- {}\n", plain(path)));
    }
    if let Some(license) = &specification.license {
        text.push_str(&format!("\n## License\n\n{}\n", plain(license)));
    }
    text
}

pub(crate) fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
