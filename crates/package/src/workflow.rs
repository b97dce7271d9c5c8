//! What the export of an n8n workflow says of its author's own accounts, and taking that out.
//!
//! A node names the credentials it used (`credentials`) and the webhook it was reached by (`webhookId`). Both are ids of
//! the author's installation: useless to anybody else, and nobody else's business. The editor asks for new ones on import.

use serde_json::Value;
use souk_domain::{listing::Kind, plugin::Stripped};

use crate::{
    archive::{Archive, Limits, inspect},
    pack::{self, pack},
};

const MARK: char = '\u{feff}';

/// Whether the value of `credentials` or `webhookId` says anything.
#[must_use]
pub fn is_telling(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// The same files without them, packed anew, and what was taken out; none when there was nothing to take out, the package is
/// no workflow, or `packed` is no archive that can be read. The same bytes always give the same bytes.
///
/// # Errors
/// The files cannot be packed.
pub fn strip_packed(kind: Kind, packed: &[u8]) -> Result<Option<(Vec<u8>, Stripped)>, pack::Error> {
    let archive = if kind == Kind::Workflow { inspect(packed, &Limits::default()).ok() } else { None };
    archive.map_or(Ok(None), |archive| strip(&archive))
}

fn strip(archive: &Archive) -> Result<Option<(Vec<u8>, Stripped)>, pack::Error> {
    let mut sum = Stripped::default();
    let files = archive.files().iter().filter_map(|file| {
        let contents = archive.read(&file.path)?;
        let stripped = text_of(&file.path, contents).and_then(strip_text);
        Some((
            file.path.clone(),
            stripped.map_or_else(
                || contents.to_vec(),
                |(text, stripped)| {
                    sum = sum + stripped;
                    text.into_bytes()
                },
            ),
        ))
    });
    let files: Vec<_> = files.collect();
    if sum == Stripped::default() { Ok(None) } else { Ok(Some((pack(files)?, sum))) }
}

/// The text of a file that may be a workflow.
#[must_use]
pub fn text_of<'a>(path: &str, contents: &'a [u8]) -> Option<&'a str> {
    std::str::from_utf8(contents).ok().filter(|_| path.to_ascii_lowercase().ends_with(".json"))
}

/// The same JSON without them, every other member as it was written and on the line where it was; none when there is
/// nothing to take out. Nodes are the items of every list `nodes`, however deep, also of a workflow within a text (`workflowJson`).
#[must_use]
pub fn strip_text(text: &str) -> Option<(String, Stripped)> {
    let document = text.strip_prefix(MARK).unwrap_or(text);
    serde_json::from_str::<Value>(document).ok()?;
    let mut writer = Writer { text: document, at: 0, stripped: Stripped::default() };
    let mut out = String::with_capacity(text.len());
    out.extend((document.len() < text.len()).then_some(MARK));
    writer.value(Place::Elsewhere, &mut out);
    (writer.stripped != Stripped::default()).then_some((out, writer.stripped))
}

/// What a value is to the workflow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The list of nodes.
    Nodes,
    /// One node.
    Node,
    /// A workflow that is called, possibly as a text.
    Called,
    Elsewhere,
}

impl Place {
    fn of_member(name: &str) -> Self {
        match name {
            "nodes" => Self::Nodes,
            "workflowJson" => Self::Called,
            _ => Self::Elsewhere,
        }
    }
}

/// Copies a document that was found to be JSON, and leaves members out.
struct Writer<'a> {
    text: &'a str,
    at: usize,
    stripped: Stripped,
}

impl<'a> Writer<'a> {
    fn next(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn blanks(&mut self, out: &mut String) {
        let start = self.at;
        while self.next().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
        out.push_str(self.since(start));
    }

    /// A text with its quotes.
    fn quoted(&mut self) -> &'a str {
        let start = self.at;
        self.at += 1;
        while let Some(byte) = self.next() {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                break;
            }
        }
        self.since(start)
    }

    /// A value with the blanks around it.
    fn value(&mut self, place: Place, out: &mut String) {
        self.blanks(out);
        match self.next() {
            Some(b'{') => self.object(place, out),
            Some(b'[') => self.list(place, out),
            Some(b'"') => {
                let text = self.quoted();
                match self.called(text).filter(|_| place == Place::Called) {
                    Some((stripped, what)) => {
                        self.stripped = self.stripped + what;
                        out.push_str(&stripped);
                    }
                    None => out.push_str(text),
                }
            }
            _ => {
                let start = self.at;
                while self.next().is_some_and(|byte| !matches!(byte, b',' | b']' | b'}') && !byte.is_ascii_whitespace())
                {
                    self.at += 1;
                }
                out.push_str(self.since(start));
            }
        }
        self.blanks(out);
    }

    /// A workflow that a node holds as a text, of which `=` at the beginning makes an expression.
    fn called(&self, quoted: &str) -> Option<(String, Stripped)> {
        let text: String = serde_json::from_str(quoted).ok()?;
        let workflow = text.strip_prefix('=').unwrap_or(&text);
        let (stripped, what) = strip_text(workflow)?;
        let start = if workflow.len() < text.len() { "=" } else { "" };
        Some((Value::String(format!("{start}{stripped}")).to_string(), what))
    }

    fn list(&mut self, place: Place, out: &mut String) {
        let place = if place == Place::Nodes { Place::Node } else { Place::Elsewhere };
        loop {
            // The bracket, or a comma.
            out.extend(self.next().map(char::from));
            self.at += 1;
            self.value(place, out);
            if self.next() != Some(b',') {
                break;
            }
        }
        self.close(out);
    }

    fn close(&mut self, out: &mut String) {
        out.extend(self.next().map(char::from));
        self.at += 1;
    }

    fn object(&mut self, place: Place, out: &mut String) {
        out.push('{');
        // Line ends of what was left out: what follows stays on its line.
        let (mut left_out, mut is_first) = (String::new(), true);
        loop {
            self.at += 1;
            let start = self.at;
            let mut member = String::new();
            self.blanks(&mut member);
            let is_kept = self.next() != Some(b'"') || self.member(place, &mut member);
            if is_kept {
                if !is_first && !member.trim().is_empty() {
                    out.push(',');
                }
                out.push_str(&left_out);
                left_out.clear();
                out.push_str(&member);
                is_first = false;
            } else {
                let text = self.since(start);
                left_out.extend(text.chars().filter(|char| *char == '\n'));
                let end = text.trim_end_matches([' ', '\t']);
                left_out.push_str(text.get(end.len()..).unwrap_or_default());
            }
            if self.next() != Some(b',') {
                break;
            }
        }
        out.push_str(&left_out);
        self.close(out);
    }

    /// Whether a member stays; then it was written to `out`.
    fn member(&mut self, place: Place, out: &mut String) -> bool {
        let name = self.quoted();
        out.push_str(name);
        self.blanks(out);
        self.close(out);
        let name: String = serde_json::from_str(name).unwrap_or_default();
        let (before, start) = (self.stripped, self.at);
        self.value(Place::of_member(&name), out);
        let is_told = || serde_json::from_str(self.since(start)).is_ok_and(|value| is_telling(&value));
        let what = match name.as_str() {
            "credentials" if place == Place::Node && is_told() => Stripped { credentials: 1, webhook_ids: 0 },
            "webhookId" if place == Place::Node && is_told() => Stripped { credentials: 0, webhook_ids: 1 },
            _ => return true,
        };
        self.stripped = before + what;
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn stripped(text: &str) -> (String, u32, u32) {
        let (text, Stripped { credentials, webhook_ids }) = strip_text(text).unwrap();
        (text, credentials, webhook_ids)
    }

    #[test]
    fn members_go_and_everything_else_stays_on_its_line() {
        let text = "\u{feff}{\n  \"name\": \"x\",\n  \"nodes\": [\n    {\n      \"credentials\": {\n        \"slackApi\": {\"id\": \"7\", \"name\": \"Ours\"}\n      },\n      \"name\": \"A, }\\\"\",\n      \"webhookId\": \"5f1c\"\n    },\n    {\"webhookId\": \"\", \"credentials\": {}, \"typeVersion\": 1.10}\n  ]\n}\n";
        let expected = "\u{feff}{\n  \"name\": \"x\",\n  \"nodes\": [\n    {\n\n\n\n      \"name\": \"A, }\\\"\"\n\n    },\n    {\"webhookId\": \"\", \"credentials\": {}, \"typeVersion\": 1.10}\n  ]\n}\n";
        assert_eq!(stripped(text), (expected.to_owned(), 1, 1));
        assert_eq!(strip_text(expected), None, "there is nothing left");
    }

    #[test]
    fn whatever_a_member_holds_and_however_it_is_written_it_goes() {
        for (node, left) in [
            (r#"{"credentials":"old form"}"#, "{}"),
            (r#"{"credentials":[{"id":1}],"a":1}"#, r#"{"a":1}"#),
            (r#"{"a":1,"webhookId":7}"#, r#"{"a":1}"#),
            (r#"{"a":1,"webhookId":"x","b":2}"#, r#"{"a":1,"b":2}"#),
            (r#"{"webhook\u0049d":"x","webhookId":"y"}"#, "{}"),
            (r#"{"credentials":{"nodes":[{"webhookId":"x"}]}}"#, "{}"),
            (r#"{"parameters":{"nodes":[{"webhookId":"x"}]}}"#, r#"{"parameters":{"nodes":[{}]}}"#),
            (r#"{"workflowJson":"={\"nodes\":[{\"webhookId\":\"x\"}]}"}"#, r#"{"workflowJson":"={\"nodes\":[{}]}"}"#),
            (r#"{"workflowJson":{"nodes":[{"webhookId":"x"}]}}"#, r#"{"workflowJson":{"nodes":[{}]}}"#),
        ] {
            let around = |node: &str| format!(r#"[{{"nodes":[{node}],"meta":{{}}}}]"#);
            assert_eq!(stripped(&around(node)).0, around(left), "{node}");
        }
    }

    #[test]
    fn what_is_not_of_a_node_stays() {
        for text in [
            r#"{"credentials":{"a":1},"webhookId":"x","nodes":[]}"#,
            r#"{"nodes":[{"parameters":{"credentials":"x","webhookId":"x"}}]}"#,
            r#"{"nodes":{"credentials":"x"}}"#,
            r#"{"nodes":[{"text":"{\"nodes\":[{\"webhookId\":\"x\"}]}"}]}"#,
            r#"{"nodes":[{"webhookId":"x"}"#,
            "",
        ] {
            assert_eq!(strip_text(text), None, "{text}");
        }
    }

    #[test]
    fn an_archive_is_packed_anew_only_when_something_goes() {
        let packed = |node: &str| {
            let files =
                [("flow.json", format!("{{\"nodes\":[{node}]}}")), ("README.md", "\"webhookId\": \"x\"".to_owned())];
            pack(files.map(|(path, text)| (path.to_owned(), text.into_bytes()))).unwrap()
        };
        let (bytes, what) = strip_packed(Kind::Workflow, &packed(r#"{"credentials":{"a":"b"}}"#)).unwrap().unwrap();
        assert_eq!((bytes, what), (packed("{}"), Stripped { credentials: 1, webhook_ids: 0 }));
        assert_eq!(strip_packed(Kind::Workflow, &packed("{}")), Ok(None));
        assert_eq!(strip_packed(Kind::Workflow, b"no archive"), Ok(None));
        assert_eq!(strip_packed(Kind::Asset, &packed(r#"{"webhookId":"x"}"#)), Ok(None), "it may be data of a test");
    }

    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a\"{\\\\,é]{0,4}".prop_map(Value::from)
        ];
        leaf.prop_recursive(5, 40, 4, |inner| {
            let name = prop_oneof![Just("nodes"), Just("credentials"), Just("webhookId"), Just("name"), Just("x")];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(name, inner, 0..4).prop_map(|fields| json!(fields)),
            ]
        })
    }

    /// The same by way of values.
    fn without(value: Value, is_node: bool, are_nodes: bool) -> Value {
        match value {
            Value::Object(fields) => {
                let kept = fields.into_iter().filter(|(name, value)| {
                    !(is_node && ["credentials", "webhookId"].contains(&name.as_str()) && is_telling(value))
                });
                Value::Object(
                    kept.map(|(name, value)| {
                        let nodes = name == "nodes";
                        (name, without(value, false, nodes))
                    })
                    .collect(),
                )
            }
            Value::Array(items) => items.into_iter().map(|item| without(item, are_nodes, false)).collect(),
            other => other,
        }
    }

    proptest! {
        #[test]
        fn what_is_left_is_the_same_json_without_them(document in documents(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&document).unwrap() } else { document.to_string() };
            let left = strip_text(&text).map_or_else(|| text.clone(), |(left, _)| left);
            prop_assert_eq!(serde_json::from_str::<Value>(&left).unwrap(), without(document, false, false));
            prop_assert_eq!(left.lines().count(), text.lines().count());
            prop_assert_eq!(strip_text(&left), None);
        }
    }
}
