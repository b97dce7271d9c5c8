//! What a workflow says of itself: its own description, the notes pinned to it, and its nodes.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// A note shorter than this names a group of nodes rather than telling what the workflow does.
const SHORTEST_NOTE: usize = 60;
const LONGEST_SUMMARY: usize = 300;
const MOST_NODES: usize = 100;

/// A node, as far as a listing needs it.
pub(super) struct Node<'a> {
    pub name: &'a str,
    /// Its type without the package, e.g. `vectorStoreQdrant`.
    pub kind: &'a str,
    /// The text of a note.
    note: Option<&'a str>,
}

impl Node<'_> {
    pub(super) fn is_note(&self) -> bool {
        self.kind == "stickyNote"
    }
}

/// The nodes in the order of the file; what is no node is left out.
pub(super) fn nodes(workflow: &Map<String, Value>) -> Vec<Node<'_>> {
    let listed = workflow.get("nodes").and_then(Value::as_array).into_iter().flatten();
    listed
        .filter_map(|node| {
            let text = |field: &str| node.get(field).and_then(Value::as_str);
            let kind = text("type")?;
            Some(Node {
                name: text("name").unwrap_or_default(),
                kind: kind.rsplit('.').next().unwrap_or(kind),
                note: node.pointer("/parameters/content").and_then(Value::as_str),
            })
        })
        .collect()
}

/// The kinds of credentials that its nodes use.
pub(super) fn credentials(workflow: &Map<String, Value>) -> BTreeSet<&str> {
    let listed = workflow.get("nodes").and_then(Value::as_array).into_iter().flatten();
    listed
        .filter_map(|node| node.get("credentials")?.as_object())
        .flat_map(|kinds| kinds.keys().map(String::as_str))
        .collect()
}

/// One paragraph: its description, else the beginning of its longest note, else what its nodes are.
pub(super) fn summary(workflow: &Map<String, Value>, nodes: &[Node<'_>]) -> String {
    if let Some(text) = own_words(workflow) {
        return text.to_owned();
    }
    let notes = nodes.iter().filter(|node| node.is_note()).filter_map(|node| node.note).map(plain);
    // The first of the longest: `max_by_key` would take the last.
    let longest = notes
        .filter(|note| note.chars().count() >= SHORTEST_NOTE)
        .reduce(|longest, note| if note.chars().count() > longest.chars().count() { note } else { longest });
    longest.map_or_else(|| generated(nodes), |note| beginning(&note))
}

/// Markdown: the summary's source in full, the notes, and the nodes by name.
pub(super) fn description(workflow: &Map<String, Value>, nodes: &[Node<'_>]) -> String {
    let mut text = own_words(workflow).map_or_else(|| generated(nodes), str::to_owned);
    let notes: Vec<_> = nodes.iter().filter(|node| node.is_note()).filter_map(|node| node.note).map(plain).collect();
    if notes.iter().any(|note| !note.is_empty()) {
        text.push_str("\n\n## Notes\n");
        for note in notes.iter().filter(|note| !note.is_empty()) {
            text.push_str(&format!("\n{note}\n"));
        }
    }
    text.push_str("\n\n## Nodes\n\n");
    for node in nodes.iter().filter(|node| !node.is_note()).take(MOST_NODES) {
        text.push_str(&format!("- {} (`{}`)\n", node.name, node.kind));
    }
    text
}

fn own_words(workflow: &Map<String, Value>) -> Option<&str> {
    let described = workflow.get("description").or_else(|| workflow.get("meta")?.get("description"));
    described.and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

fn generated(nodes: &[Node<'_>]) -> String {
    let mut names = Vec::new();
    for name in nodes.iter().filter(|node| !node.is_note() && !node.name.is_empty()).map(|node| node.name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let shown = names.iter().take(8).copied().collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => "An n8n workflow.".to_owned(),
        1..=8 => format!("An n8n workflow of these steps: {shown}."),
        more => format!("An n8n workflow of {more} steps, among them {shown}."),
    }
}

/// The text of a note on one line, without Markdown's marks, pictures and addresses.
fn plain(note: &str) -> String {
    let mut words = Vec::new();
    for line in note.lines() {
        let line = line.trim_start_matches(['#', '>', '-', '*', '=', ' ', '\t']);
        words.extend(
            without_links(line)
                .split_whitespace()
                .filter(|word| !word.contains("://"))
                .map(|word| word.replace(['*', '`', '~'], ""))
                .filter(|word| !word.is_empty()),
        );
    }
    words.join(" ")
}

/// Replaces `![picture](address)` by nothing and `[text](address)` by its text.
fn without_links(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, inside)) = rest.split_once('[') {
        let Some((text, after)) = inside.split_once(']') else { break };
        let picture = before.ends_with('!');
        out.push_str(before.strip_suffix('!').unwrap_or(before));
        let link = after.strip_prefix('(').and_then(|address| address.split_once(')'));
        match link {
            Some((_, after)) => {
                if !picture {
                    out.push_str(text);
                }
                rest = after;
            }
            None => {
                out.push_str(text);
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Whole sentences of at most some hundred characters, or as much of the first as fits.
fn beginning(text: &str) -> String {
    let mut end = 0;
    for (at, mark) in text.match_indices(['.', '!', '?']) {
        let next = at + mark.len();
        // `2.` begins the next step of a list.
        let numbered = text.get(..at).is_some_and(|before| before.ends_with(|c: char| c.is_ascii_digit()));
        let ends = !numbered && text.get(next..).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        if next > LONGEST_SUMMARY {
            break;
        }
        if ends {
            end = next;
        }
    }
    if end >= SHORTEST_NOTE {
        return text.get(..end).unwrap_or(text).to_owned();
    }
    super::naming::line(text, LONGEST_SUMMARY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_lose_their_marks() {
        assert_eq!(
            plain(
                "## Set **up**\n![shot](https://x.example/a.png)\nSee [the docs](https://x.example) at https://y.example\n- `done`"
            ),
            "Set up See the docs at done"
        );
        assert_eq!(plain("[a] b [c"), "a b [c");
    }

    #[test]
    fn a_summary_ends_with_a_sentence() {
        let sentence = "This workflow reads new tickets every hour and answers the simple ones.";
        let text = format!("{sentence} {}", "x".repeat(400));
        assert_eq!(beginning(&text), sentence);
        assert!(beginning(&"word ".repeat(200)).ends_with('…'));
    }
}
