//! Tags of a workflow, from the services that its nodes speak to: `vectorStoreQdrant` makes `qdrant`.

use std::{cmp::Reverse, collections::BTreeMap};

use serde_json::{Map, Value};

use super::{super::naming, about::Node};

/// As many tags come from nodes.
const MOST: usize = 12;

/// Nodes that say how a workflow goes, not what it is for.
const PLUMBING: [&str; 48] = [
    "aggregate",
    "chainllm",
    "code",
    "converttofile",
    "cron",
    "datetime",
    "debughelper",
    "documentdefaultdataloader",
    "editimage",
    "executecommand",
    "executeworkflow",
    "executeworkflowtrigger",
    "executiondata",
    "extractfromfile",
    "filter",
    "function",
    "functionitem",
    "html",
    "if",
    "interval",
    "itemlists",
    "limit",
    "localfiletrigger",
    "manualchattrigger",
    "manualtrigger",
    "markdown",
    "memorybufferwindow",
    "memorymanager",
    "merge",
    "movebinarydata",
    "noop",
    "outputparserautofixing",
    "outputparseritemlist",
    "outputparserstructured",
    "readwritefile",
    "removeduplicates",
    "renamekeys",
    "respondtowebhook",
    "set",
    "sort",
    "spreadsheetfile",
    "start",
    "stickynote",
    "stopanderror",
    "summarize",
    "switch",
    "wait",
    "workflowtrigger",
];
/// More plumbing, known by how it begins.
const PLUMBING_FAMILIES: [&str; 3] = ["split", "textsplitter", "retriever"];

/// What a node is, before the service's name, and the tag that this part earns.
const FAMILIES: [(&str, Option<&str>); 9] = [
    ("vectorStore", Some("vector-store")),
    ("embeddings", Some("embeddings")),
    ("lmChat", Some("ai")),
    ("lm", Some("ai")),
    ("memory", None),
    ("tool", None),
    ("chain", Some("ai")),
    ("document", None),
    ("reranker", None),
];
/// What a node does with the service, behind its name.
const ENDINGS: [&str; 4] = ["Trigger", "Tool", "Chat", "Binary"];
/// Services whose names are one word although their nodes write two.
const ONE_WORD: [(&str, &str); 11] = [
    ("open-ai", "openai"),
    ("you-tube", "youtube"),
    ("whats-app", "whatsapp"),
    ("linked-in", "linkedin"),
    ("git-hub", "github"),
    ("git-lab", "gitlab"),
    ("hub-spot", "hubspot"),
    ("word-press", "wordpress"),
    ("mongo-db", "mongodb"),
    ("my-sql", "mysql"),
    ("open-router", "openrouter"),
];

/// The tags of a workflow: its own first, then those of its nodes, the most frequent first.
pub(super) fn of(workflow: &Map<String, Value>, nodes: &[Node<'_>]) -> Vec<String> {
    let own = workflow
        .get("tags")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|tag| tag.as_str().or_else(|| tag.get("name")?.as_str()).map(str::to_owned));
    let mut counts = BTreeMap::<String, usize>::new();
    for tag in nodes.iter().flat_map(|node| of_kind(node.kind)) {
        *counts.entry(tag).or_default() += 1;
    }
    let mut counted: Vec<_> = counts.into_iter().collect();
    counted.sort_by_key(|(_, count)| Reverse(*count));
    naming::tags(own.take(5).chain(counted.into_iter().take(MOST).map(|(tag, _)| tag)))
}

fn of_kind(kind: &str) -> Vec<String> {
    let lower = kind.to_ascii_lowercase();
    if PLUMBING.contains(&lower.as_str()) || PLUMBING_FAMILIES.iter().any(|family| lower.starts_with(family)) {
        return Vec::new();
    }
    let mut tags = Vec::new();
    let mut service = kind;
    for (family, tag) in FAMILIES {
        let rest = kind.strip_prefix(family).filter(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
        if let Some(rest) = rest {
            service = rest;
            tags.extend(tag.map(str::to_owned));
            break;
        }
    }
    for ending in ENDINGS {
        service = service.strip_suffix(ending).filter(|rest| !rest.is_empty()).unwrap_or(service);
    }
    tags.push(kebab(service));
    tags
}

/// Lower-case words joined by hyphens, of words joined by capitals.
fn kebab(service: &str) -> String {
    let mut words = String::new();
    let mut last_lower = false;
    for c in service.chars() {
        if c.is_ascii_uppercase() && last_lower {
            words.push('-');
        }
        last_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        words.push(c.to_ascii_lowercase());
    }
    for (two, one) in ONE_WORD {
        words = words.replace(two, one);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_found_in_the_names_of_nodes() {
        for (kind, tags) in [
            ("slack", vec!["slack"]),
            ("vectorStoreQdrant", vec!["vector-store", "qdrant"]),
            ("lmChatOpenAi", vec!["ai", "openai"]),
            ("embeddingsMistralCloud", vec!["embeddings", "mistral-cloud"]),
            ("googleSheetsTrigger", vec!["google-sheets"]),
            ("whatsApp", vec!["whatsapp"]),
            ("gmailTool", vec!["gmail"]),
            ("memoryPostgresChat", vec!["postgres"]),
            ("toolWikipedia", vec!["wikipedia"]),
            ("httpRequest", vec!["http-request"]),
            ("set", vec![]),
            ("splitInBatches", vec![]),
            ("textSplitterTokenSplitter", vec![]),
        ] {
            assert_eq!(of_kind(kind), tags, "{kind}");
        }
    }
}
