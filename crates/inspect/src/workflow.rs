//! The step `workflow`: automations of n8n, a graph of nodes that are connected by name.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::LazyLock,
};

use regex::Regex;
use serde_json::{Map, Value};
use souk_domain::plugin::Stripped;
use souk_domain::validation::{Finding, Severity};
use souk_package::{
    archive::Archive,
    shown,
    workflow::{is_telling, strip_text, text_of},
};

use crate::{Inspector, found, json};

/// As many flaws of one file as are told.
const MOST_FLAWS: usize = 100;
/// Nodes of these packages come with the editor.
const BUILT_IN: [&str; 2] = ["n8n-nodes-base.", "@n8n/"];

static RAW_HOST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)^=?\s*(?:https?://\d{1,3}(?:\.\d{1,3}){3}\b|https?://(?:[\w-]+\.)*(?:pastebin\.com|webhook\.site|transfer\.sh|requestbin\.(?:com|net)|pipedream\.net)\b",
        r"|https?://[\w-]+\.(?:ngrok(?:-free)?\.(?:io|app|dev)|trycloudflare\.com|loca\.lt|serveo\.net))"
    ))
    .ok()
});

/// What is wrong or worth knowing about the workflows of `archive`; none when it holds none.
pub fn workflow(archive: &Archive, inspector: &Inspector) -> Option<Vec<Finding>> {
    let mut findings = None;
    for file in archive.files() {
        let Some(text) = archive.read(&file.path).and_then(|bytes| text_of(&file.path, bytes)) else { continue };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut first = [None; 2];
        if let Ok(Value::Object(object)) = serde_json::from_str(text)
            && let Some(nodes) = object.get("nodes").and_then(Value::as_array)
        {
            let mut judge = Judge::new(&file.path, text, nodes);
            judge.nodes(nodes);
            judge.graph(&object);
            judge.code(inspector);
            judge.recorded(&object);
            judge.findings.truncate(MOST_FLAWS);
            first = LEFT_IN.map(|(_, field)| judge.first_with(nodes, field));
            findings.get_or_insert_with(Vec::new).extend(judge.findings);
        }
        // What refuses is told whatever else there is to tell.
        if let Some((_, left)) = strip_text(text) {
            findings.get_or_insert_with(Vec::new).extend(left_in(&file.path, left, first));
        }
    }
    findings
}

/// What must not be left in, and in which field of a node it is.
const LEFT_IN: [(&str, &str); 2] =
    [("workflow.credentials_present", "credentials"), ("workflow.webhook_id_present", "webhookId")];

/// Ids of the author's accounts that nobody took out.
fn left_in(path: &str, left: Stripped, first: [Option<u32>; 2]) -> impl Iterator<Item = Finding> {
    let counts = [left.credentials, left.webhook_ids];
    LEFT_IN.into_iter().zip(counts).zip(first).filter(|((_, count), _)| *count > 0).map(
        move |(((rule, _), count), line)| found(rule, None, path, line, &format!("Nodes that have them: {count}.")),
    )
}

struct Judge<'a> {
    path: &'a str,
    texts: Vec<json::Text>,
    /// On which line each node's name stands.
    lines: Vec<u32>,
    /// Index and type of each node by its name.
    known: HashMap<&'a str, (usize, &'a str)>,
    findings: Vec<Finding>,
}

impl<'a> Judge<'a> {
    fn new(path: &'a str, text: &str, nodes: &'a [Value]) -> Self {
        let texts = json::texts(text);
        let mut lines = vec![1; nodes.len()];
        for text in &texts {
            let Some((index, field)) = text.pointer.strip_prefix("/nodes/").and_then(|rest| rest.split_once('/'))
            else {
                continue;
            };
            if let Some(line) = index.parse::<usize>().ok().and_then(|index| lines.get_mut(index))
                && (*line == 1 || field == "name")
            {
                *line = text.line;
            }
        }
        let mut known = HashMap::new();
        for (index, node) in nodes.iter().enumerate() {
            if let Some(name) = node.get("name").and_then(Value::as_str) {
                known.entry(name).or_insert((index, node.get("type").and_then(Value::as_str).unwrap_or_default()));
            }
        }
        Self { path, texts, lines, known, findings: Vec::new() }
    }

    fn at_node(&mut self, rule: &'static str, index: usize, detail: &str) {
        let line = self.lines.get(index).copied();
        self.findings.push(found(rule, None, self.path, line, detail));
    }

    fn nodes(&mut self, nodes: &[Value]) {
        let mut names = HashSet::new();
        let mut starts = false;
        for (index, node) in nodes.iter().enumerate() {
            let name = node.get("name").and_then(Value::as_str).unwrap_or_default();
            let kind = node.get("type").and_then(Value::as_str).unwrap_or_default();
            let called = format!("It is node `{}`.", shown(name.as_bytes()));
            if name.is_empty() {
                self.at_node("workflow.node_unnamed", index, &format!("It is node {index}."));
            } else if !names.insert(name) {
                self.at_node("workflow.node_name_twice", index, &called);
            }
            if kind.is_empty() {
                self.at_node("workflow.node_untyped", index, &called);
            } else if !BUILT_IN.iter().any(|package| kind.starts_with(package)) {
                self.at_node("workflow.unknown_node", index, &format!("Its type is `{}`.", shown(kind.as_bytes())));
            }
            starts |= is_trigger(kind);
            if !node.get("position").is_some_and(is_position) {
                self.at_node("workflow.node_unplaced", index, &called);
            }
            if !node.get("parameters").is_none_or(Value::is_object) {
                self.at_node("workflow.node_parameters", index, &called);
            }
            self.powers(index, node, kind, &called);
        }
        if !starts {
            self.findings.push(found("workflow.no_trigger", None, self.path, None, ""));
        }
    }

    fn powers(&mut self, index: usize, node: &Value, kind: &str, called: &str) {
        match kind.rsplit('.').next().unwrap_or(kind) {
            "executeCommand" => self.at_node("workflow.execute_command", index, called),
            "ssh" => self.at_node("workflow.remote_shell", index, called),
            "webhook" => {
                let authentication = node.pointer("/parameters/authentication").and_then(Value::as_str);
                if authentication.is_none_or(|authentication| authentication == "none") {
                    self.at_node("workflow.open_webhook", index, called);
                }
            }
            _ => {}
        }
    }

    /// The line of the first node that says something in `field`.
    fn first_with(&self, nodes: &[Value], field: &str) -> Option<u32> {
        let index = nodes.iter().position(|node| node.get(field).is_some_and(is_telling))?;
        self.lines.get(index).copied()
    }

    fn graph(&mut self, object: &Map<String, Value>) {
        let sources = match object.get("connections") {
            None | Some(Value::Null) => return,
            Some(Value::Object(sources)) => sources,
            Some(_) => {
                self.findings.push(found("workflow.connections_malformed", None, self.path, None, ""));
                return;
            }
        };
        let mut leads: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut serves: Vec<(&str, &str)> = Vec::new();
        for (source, outputs) in sources {
            if !self.known.contains_key(source.as_str()) {
                self.dangles(source, &format!("There is no node `{}` to connect from.", shown(source.as_bytes())));
            }
            for (output, links) in outputs.as_object().into_iter().flatten() {
                let links = links.as_array().into_iter().flatten().filter_map(Value::as_array).flatten();
                for link in links {
                    match link.get("node").and_then(Value::as_str) {
                        None => {
                            let line = self.line_of(source);
                            self.findings.push(found("workflow.connections_malformed", None, self.path, line, ""));
                        }
                        Some(target) if !self.known.contains_key(target) => {
                            let detail =
                                format!("`{}` leads to `{}`.", shown(source.as_bytes()), shown(target.as_bytes()));
                            self.dangles(target, &detail);
                        }
                        Some(target) if !output.starts_with("ai_") => leads.entry(source).or_default().push(target),
                        Some(target) => serves.push((source, target)),
                    }
                }
            }
        }
        self.unreachable(&leads, &serves);
    }

    /// The line on which a node that is not there is named.
    fn line_of(&self, name: &str) -> Option<u32> {
        let named = |text: &&json::Text| {
            text.pointer.starts_with("/connections/")
                && (text.value == name || text.pointer.split('/').nth(2) == Some(name))
        };
        self.texts.iter().find(named).map(|text| text.line)
    }

    fn dangles(&mut self, name: &str, detail: &str) {
        let line = self.line_of(name);
        self.findings.push(found("workflow.connection_dangles", None, self.path, line, detail));
    }

    /// Nodes that no trigger leads to. Models and tools are not led to: they serve a node that is.
    fn unreachable(&mut self, leads: &BTreeMap<&str, Vec<&str>>, serves: &[(&str, &str)]) {
        let mut open: Vec<&str> =
            self.known.iter().filter(|(_, (_, kind))| is_trigger(kind)).map(|(name, _)| *name).collect();
        if open.is_empty() {
            return;
        }
        let mut reached: HashSet<&str> = HashSet::new();
        while let Some(name) = open.pop() {
            if reached.insert(name) {
                open.extend(leads.get(name).into_iter().flatten());
                open.extend(serves.iter().filter(|(_, served)| *served == name).map(|(server, _)| server));
            }
        }
        let is_note = |kind: &str| kind.ends_with(".stickyNote");
        let mut lost: Vec<(usize, String)> = self
            .known
            .iter()
            .filter(|(name, (_, kind))| !reached.contains(*name) && !is_note(kind))
            .map(|(name, (index, _))| (*index, format!("It is node `{}`.", shown(name.as_bytes()))))
            .collect();
        lost.sort();
        for (index, detail) in lost {
            self.at_node("workflow.unreachable", index, &detail);
        }
    }

    /// Code of nodes, their commands and the addresses that they ask.
    fn code(&mut self, inspector: &Inspector) {
        let code = ["/parameters/jsCode", "/parameters/functionCode", "/parameters/pythonCode", "/parameters/command"];
        let mut findings = Vec::new();
        for text in self.texts.iter().filter(|text| text.pointer.starts_with("/nodes/")) {
            if code.iter().any(|field| text.pointer.ends_with(field)) {
                findings.extend(inspector.code(self.path, text.line, &text.value));
            } else if text.pointer.ends_with("/parameters/url")
                && RAW_HOST.as_ref().is_some_and(|raw| raw.is_match(&text.value))
                && !is_at_home(&text.value)
            {
                let detail = format!("It asks `{}`.", shown(text.value.as_bytes()));
                findings.push(found("workflow.raw_host", None, self.path, Some(text.line), &detail));
            }
        }
        self.findings.extend(findings);
    }

    fn recorded(&mut self, object: &Map<String, Value>) {
        let is_recorded = object.get("pinData").and_then(Value::as_object).is_some_and(|data| !data.is_empty());
        if !is_recorded {
            return;
        }
        let mut recorded = self.texts.iter().filter(|text| text.pointer.starts_with("/pinData/"));
        let line = recorded.next().map(|text| text.line);
        let is_personal = self.texts.iter().any(|text| text.pointer.starts_with("/pinData/") && is_mail(&text.value));
        let severity = (!is_personal).then_some(Severity::Info);
        self.findings.push(found("workflow.pinned_data", severity, self.path, line, ""));
    }
}

/// Whether an address is one of this machine or of a private network: the user's own services, which no stranger answers.
fn is_at_home(url: &str) -> bool {
    let host = url.split("://").nth(1).and_then(|rest| rest.split([':', '/', '{']).next()).unwrap_or_default();
    host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_private() || address.is_loopback())
}

fn is_trigger(kind: &str) -> bool {
    let name = kind.rsplit('.').next().unwrap_or(kind).to_ascii_lowercase();
    name.ends_with("trigger") || ["webhook", "start", "cron", "interval", "emailreadimap"].contains(&name.as_str())
}

fn is_position(value: &Value) -> bool {
    value.as_array().is_some_and(|pair| pair.len() == 2 && pair.iter().all(Value::is_number))
}

/// Whether a text is an address of somebody's mail, and none of an example.
fn is_mail(text: &str) -> bool {
    let Some((name, host)) = text.trim().split_once('@') else { return false };
    !name.is_empty()
        && !text.contains(char::is_whitespace)
        && host.contains('.')
        && !["example.", "test.", "n8n.io", "domain."].iter().any(|known| host.contains(known))
}

#[cfg(test)]
mod tests {
    use souk_package::{
        archive::{Limits, inspect},
        pack::pack,
    };

    use super::*;

    const GOOD: &str = r#"{"nodes":[{"name":"A","type":"n8n-nodes-base.manualTrigger","position":[0,0],"parameters":{}},
        {"name":"B","type":"n8n-nodes-base.slack","position":[1,0],"parameters":{}}],
        "connections":{"A":{"main":[[{"node":"B","type":"main","index":0}]]}}}"#;

    fn rules(text: &str) -> Vec<(String, u32)> {
        let bytes = pack([("w.json".to_owned(), text.as_bytes().to_vec())]).unwrap();
        let archive = inspect(&bytes, &Limits::default()).unwrap();
        let findings = workflow(&archive, crate::inspector().unwrap()).unwrap_or_default();
        findings.into_iter().map(|finding| (finding.rule, finding.line.unwrap_or_default())).collect()
    }

    fn one(rule: &str, line: u32) -> Vec<(String, u32)> {
        vec![(rule.to_owned(), line)]
    }

    #[test]
    fn a_graph_is_sound() {
        assert_eq!(rules(GOOD), []);
        assert_eq!(
            rules(&GOOD.replace("\"node\":\"B\"", "\"node\":\"C\""))[0],
            ("workflow.connection_dangles".into(), 3)
        );
        let twice = GOOD.replace("\"name\":\"B\"", "\"name\":\"A\"").replace("\"node\":\"B\"", "\"node\":\"A\"");
        assert_eq!(rules(&twice), one("workflow.node_name_twice", 2));
        assert_eq!(rules(&GOOD.replace("manualTrigger", "set")), one("workflow.no_trigger", 0));
        assert_eq!(rules(&GOOD.replace("\"A\":{\"main\"", "\"A\":{\"ai_tool\"")), one("workflow.unreachable", 2));
        assert_eq!(
            rules(&GOOD.replace("{\"A\":{", "{\"B\":{").replace("\"node\":\"B\"", "\"node\":\"A\"")),
            one("workflow.unreachable", 2)
        );
        let found = rules(r#"{"nodes":[1,"x",{"name":5}],"connections":[]}"#);
        assert!(found.contains(&("workflow.connections_malformed".into(), 0)), "{found:?}");
    }

    #[test]
    fn what_refuses_is_told_however_much_else_is_wrong() {
        let flawed = r#"{"name":"x"},"#.repeat(2 * MOST_FLAWS);
        let found = rules(&format!("{{\"nodes\":[{flawed}{{\"webhookId\":\"x\"}}]}}"));
        assert_eq!(found.len(), MOST_FLAWS + 1);
        assert_eq!(found.last(), one("workflow.webhook_id_present", 1).last());
    }

    #[test]
    fn powers_and_remains_are_told() {
        for (change, with, rule) in [
            ("n8n-nodes-base.slack", "n8n-nodes-base.executeCommand", "workflow.execute_command"),
            ("n8n-nodes-base.slack", "n8n-nodes-base.ssh", "workflow.remote_shell"),
            ("n8n-nodes-base.slack", "n8n-nodes-acme.run", "workflow.unknown_node"),
            ("n8n-nodes-base.slack", "n8n-nodes-base.webhook", "workflow.open_webhook"),
            ("\"position\":[1,0]", "\"position\":[1,0],\"webhookId\":\"x\"", "workflow.webhook_id_present"),
            ("\"position\":[1,0]", "\"position\":[1,0],\"credentials\":{\"a\":{}}", "workflow.credentials_present"),
            (
                "\"position\":[1,0],\"parameters\":{}",
                "\"position\":[1,0],\"parameters\":{\"url\":\"http://203.0.113.9/x\"}",
                "workflow.raw_host",
            ),
            (
                "\"position\":[1,0],\"parameters\":{}",
                "\"position\":[1,0],\"parameters\":{\"jsCode\":\"a;\\neval(atob('x'))\"}",
                "shell.decode_and_run",
            ),
        ] {
            assert_eq!(rules(&GOOD.replace(change, with)), one(rule, 2));
        }
        let deep = GOOD.replace(
            "\"position\":[1,0],\"parameters\":{}",
            "\"position\":[1,0],\"parameters\":{\"workflowJson\":\"{\\\"nodes\\\":[{\\\"webhookId\\\":\\\"x\\\"}]}\"}",
        );
        assert_eq!(rules(&deep), one("workflow.webhook_id_present", 0));
        assert_eq!(rules(r#"[{"nodes":[{"credentials":"x"}]}]"#), one("workflow.credentials_present", 0));
        let pinned = GOOD.replacen('{', "{\"pinData\":{\"A\":[{\"m\":\"jane@acme.io\"}]},", 1);
        assert_eq!(rules(&pinned), one("workflow.pinned_data", 1));
    }
}
