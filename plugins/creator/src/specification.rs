//! What is asked for, and what every field must be.

use serde::Deserialize;
use serde_json::{Map, Value};
use souk_domain::{listing::Kind, name::PluginName, text};

use crate::Problem;

const MOST_PARTS: usize = 50;
const MOST_STEPS: usize = 100;
const MOST_TOOLS: usize = 100;
const LONGEST_BODY: usize = 100_000;
const LONGEST_SUMMARY: usize = 1_000;

/// A package that somebody wants.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Specification {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) summary: String,
    #[serde(default = "first_version")]
    pub(crate) version: String,
    pub(crate) display_name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) license: Option<String>,
    pub(crate) category: Option<String>,
    #[serde(default)]
    pub(crate) tags: Vec<String>,
    pub(crate) author: Option<String>,
    pub(crate) homepage: Option<String>,
    pub(crate) repository: Option<String>,
    pub(crate) capabilities: Option<Value>,
    // What agents, skills and commands say.
    pub(crate) instructions: Option<String>,
    #[serde(default)]
    pub(crate) steps: Vec<String>,
    #[serde(default)]
    pub(crate) allowed_tools: Vec<String>,
    pub(crate) model: Option<String>,
    pub(crate) argument_hint: Option<String>,
    // Parts of a plugin.
    #[serde(default)]
    pub(crate) agents: Vec<Part>,
    #[serde(default)]
    pub(crate) skills: Vec<Part>,
    #[serde(default)]
    pub(crate) commands: Vec<Part>,
    // A server of the Model Context Protocol.
    pub(crate) server: Option<Server>,
    #[serde(default)]
    pub(crate) tools: Vec<Tool>,
    // A workflow.
    pub(crate) trigger: Option<Node>,
    #[serde(default)]
    pub(crate) nodes: Vec<Node>,
    pub(crate) connections: Option<std::collections::BTreeMap<String, Vec<String>>>,
    // Of every kind.
    #[serde(default)]
    pub(crate) files: Vec<ExtraFile>,
    pub(crate) rules: Option<Value>,
    #[serde(default)]
    pub(crate) samples: Vec<Sample>,
}

/// An agent, a skill or a command.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) summary: String,
    pub(crate) display_name: Option<String>,
    pub(crate) instructions: Option<String>,
    #[serde(default)]
    pub(crate) steps: Vec<String>,
    #[serde(default)]
    pub(crate) allowed_tools: Vec<String>,
    pub(crate) model: Option<String>,
    pub(crate) argument_hint: Option<String>,
}

/// How a server is reached: `server.json` takes these fields as they are.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Server {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) packages: Vec<Map<String, Value>>,
    #[serde(default)]
    pub(crate) remotes: Vec<Map<String, Value>>,
}

/// A tool that a server offers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) description: String,
}

/// A node of a workflow.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Node {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) sort: String,
    pub(crate) type_version: Option<serde_json::Number>,
    #[serde(default)]
    pub(crate) parameters: Map<String, Value>,
}

/// A file that goes into the package as it is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ExtraFile {
    pub(crate) path: String,
    pub(crate) content: String,
}

/// An input by which the package is tried; without `expected`, what the rules make of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) input: Value,
    pub(crate) expected: Option<Value>,
}

fn first_version() -> String {
    "1.0.0".to_owned()
}

impl Specification {
    /// Reads a specification and looks at every field that the manifest does not have: the manifest's are judged with it.
    pub(crate) fn read(input: &str) -> Result<Self, Problem> {
        let read: Self = serde_json::from_str(input)
            .map_err(|error| Problem::new("specification_invalid", format!("the specification: {error}")))?;
        PluginName::parse(&read.name)
            .map_err(|invalid| Problem::invalid("name", invalid.0.first().map_or("is no name", |it| &it.problem)))?;
        line("summary", &read.summary, LONGEST_SUMMARY)?;
        for (field, value) in
            [("displayName", &read.display_name), ("category", &read.category), ("author", &read.author)]
        {
            value.as_deref().map_or(Ok(()), |value| line(field, value, 200))?;
        }
        if let Some(description) = &read.description {
            body("description", description)?;
        }
        read.is_of_its_kind()?;
        read.parts()?;
        Ok(read)
    }

    /// The agent, skill or command that the specification itself is.
    pub(crate) fn itself(&self) -> Part {
        Part {
            name: self.file_name(),
            summary: self.summary.clone(),
            display_name: self.display_name.clone(),
            instructions: self.instructions.clone(),
            steps: self.steps.clone(),
            allowed_tools: self.allowed_tools.clone(),
            model: self.model.clone(),
            argument_hint: self.argument_hint.clone(),
        }
    }

    /// The name as clients want names of agents, skills and commands.
    fn file_name(&self) -> String {
        PluginName::parse(&self.name).map_or_else(|_| self.name.clone(), |name| name.key())
    }

    /// Fields that the kind does not have would be dropped without a word otherwise.
    fn is_of_its_kind(&self) -> Result<(), Problem> {
        let said = [Kind::Agent, Kind::Skill, Kind::Command].as_slice();
        let uses: [(&str, bool, &[Kind]); 14] = [
            ("instructions", self.instructions.is_some(), said),
            ("steps", !self.steps.is_empty(), said),
            ("allowedTools", !self.allowed_tools.is_empty(), said),
            ("model", self.model.is_some(), &[Kind::Agent, Kind::Command]),
            ("argumentHint", self.argument_hint.is_some(), &[Kind::Command]),
            ("agents", !self.agents.is_empty(), &[Kind::Plugin]),
            ("skills", !self.skills.is_empty(), &[Kind::Plugin]),
            ("commands", !self.commands.is_empty(), &[Kind::Plugin]),
            ("server", self.server.is_some(), &[Kind::McpServer]),
            ("tools", !self.tools.is_empty(), &[Kind::McpServer]),
            ("trigger", self.trigger.is_some(), &[Kind::Workflow]),
            ("nodes", !self.nodes.is_empty(), &[Kind::Workflow]),
            ("connections", self.connections.is_some(), &[Kind::Workflow]),
            ("samples", !self.samples.is_empty() && self.rules.is_none(), &[]),
        ];
        match uses.into_iter().find(|(_, is_used, kinds)| *is_used && !kinds.contains(&self.kind)) {
            Some(("samples", ..)) => Err(Problem::missing("rules", "samples run, and rules are what runs")),
            Some((field, ..)) => Err(not_for_kind(field)),
            None => Ok(()),
        }
    }

    fn parts(&self) -> Result<(), Problem> {
        match self.kind {
            Kind::Agent | Kind::Skill | Kind::Command => check_part("", &self.itself()),
            Kind::Plugin => {
                let lists = [("agents", &self.agents), ("skills", &self.skills), ("commands", &self.commands)];
                for (field, parts) in lists {
                    at_most(field, parts.len(), MOST_PARTS)?;
                    for (index, part) in parts.iter().enumerate() {
                        check_part(&format!("{field}[{index}]."), part)?;
                        if let Some(other) = unused(field, part) {
                            return Err(not_for_kind(&format!("{field}[{index}].{other}")));
                        }
                    }
                }
                let is_empty = lists.iter().all(|(_, parts)| parts.is_empty());
                if is_empty {
                    return Err(Problem::missing("skills", "a plugin has agents, skills or commands"));
                }
                Ok(())
            }
            Kind::McpServer => self.server(),
            Kind::Workflow => self.workflow(),
            Kind::Asset if self.rules.is_none() && self.files.is_empty() => {
                Err(Problem::missing("files", "an asset has files, or rules that run"))
            }
            Kind::Asset => Ok(()),
        }
    }

    fn server(&self) -> Result<(), Problem> {
        let server = self.server.as_ref();
        let server = server.ok_or_else(|| Problem::missing("server", "its name, and how it is reached"))?;
        line("server.name", &server.name, 200)?;
        if server.packages.is_empty() && server.remotes.is_empty() {
            return Err(Problem::missing("server.packages", "`packages` or `remotes` says how the server is reached"));
        }
        at_most("tools", self.tools.len(), MOST_TOOLS)?;
        for (index, tool) in self.tools.iter().enumerate() {
            line(&format!("tools[{index}].name"), &tool.name, 128)?;
            line(&format!("tools[{index}].description"), &tool.description, LONGEST_SUMMARY)?;
        }
        Ok(())
    }

    fn workflow(&self) -> Result<(), Problem> {
        if self.nodes.is_empty() {
            return Err(Problem::missing("nodes", "a workflow does something behind its trigger"));
        }
        at_most("nodes", self.nodes.len(), 500)?;
        let all: Vec<_> = self.trigger.iter().chain(&self.nodes).collect();
        for (index, node) in all.iter().enumerate() {
            line("nodes[].name", &node.name, 128)?;
            line("nodes[].type", &node.sort, 128)?;
            if all.iter().take(index).any(|other| other.name == node.name) {
                return Err(Problem::invalid("nodes", &format!("has two nodes of the name {:?}", node.name)));
            }
        }
        Ok(())
    }
}

fn not_for_kind(field: &str) -> Problem {
    Problem::new("field_not_for_kind", format!("`{field}` is no field of this kind; leave it out"))
}

/// A field that parts of this sort do not have.
fn unused(parts: &str, part: &Part) -> Option<&'static str> {
    let (has_model, has_hint) = (parts != "skills", parts == "commands");
    let model = part.model.as_ref().filter(|_| !has_model).map(|_| "model");
    model.or(part.argument_hint.as_ref().filter(|_| !has_hint).map(|_| "argumentHint"))
}

fn check_part(place: &str, part: &Part) -> Result<(), Problem> {
    let field = |name: &str| format!("{place}{name}");
    let is_name = (1..=64).contains(&part.name.len())
        && part.name.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        });
    if !is_name {
        let what = "must have 1 to 64 characters a-z, 0-9 and single hyphens between them";
        return Err(Problem::invalid(&field("name"), what));
    }
    line(&field("summary"), &part.summary, LONGEST_SUMMARY)?;
    for (name, value) in
        [("displayName", &part.display_name), ("model", &part.model), ("argumentHint", &part.argument_hint)]
    {
        value.as_deref().map_or(Ok(()), |value| line(&field(name), value, 200))?;
    }
    at_most(&field("steps"), part.steps.len(), MOST_STEPS)?;
    at_most(&field("allowedTools"), part.allowed_tools.len(), MOST_TOOLS)?;
    for (name, texts, most) in [("steps", &part.steps, 2_000), ("allowedTools", &part.allowed_tools, 200)] {
        for (index, text) in texts.iter().enumerate() {
            line(&field(&format!("{name}[{index}]")), text, most)?;
        }
    }
    match &part.instructions {
        Some(instructions) => body(&field("instructions"), instructions),
        None if part.steps.is_empty() => {
            Err(Problem::missing(&field("instructions"), "say what is to be done, or list `steps`"))
        }
        None => Ok(()),
    }
}

fn at_most(field: &str, count: usize, most: usize) -> Result<(), Problem> {
    if count > most {
        return Err(Problem::invalid(field, &format!("has {count} items; at most {most} are taken")));
    }
    Ok(())
}

/// One line that shows all of itself.
fn line(field: &str, value: &str, most: usize) -> Result<(), Problem> {
    text::line(field, value, most).map_err(|invalid| Problem::invalid(field, &invalid.problem))?;
    shows_itself(field, value)
}

fn body(field: &str, value: &str) -> Result<(), Problem> {
    text::body(field, value, LONGEST_BODY).map_err(|invalid| Problem::invalid(field, &invalid.problem))?;
    shows_itself(field, value)
}

/// Characters that are not seen, or that turn what is seen around, hide from a reader what an agent reads.
fn shows_itself(field: &str, value: &str) -> Result<(), Problem> {
    let is_hidden = |c: char| matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    match value.chars().find(|c| is_hidden(*c)) {
        Some(c) => Err(Problem::invalid(field, &format!("has the invisible character {}", c.escape_unicode()))),
        None => Ok(()),
    }
}
