//! Counts the words of a text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

wit_bindgen::generate!({ path: "wit", world: "plugin" });

#[derive(Deserialize)]
struct Input {
    text: String,
}

#[derive(Serialize)]
struct Output {
    words: usize,
    counts: BTreeMap<String, usize>,
}

struct Plugin;

impl Guest for Plugin {
    fn run(input: String) -> Result<String, Failure> {
        let input: Input = serde_json::from_str(&input).map_err(|error| failure("invalid_input", &error))?;
        serde_json::to_string(&count(&input.text)).map_err(|error| failure("internal", &error))
    }
}

export!(Plugin);

fn count(text: &str) -> Output {
    let mut counts = BTreeMap::new();
    for word in text.split_whitespace() {
        *counts.entry(word.to_owned()).or_default() += 1;
    }
    Output { words: counts.values().sum(), counts }
}

fn failure(code: &str, message: &dyn std::fmt::Display) -> Failure {
    Failure { code: code.to_owned(), message: message.to_string() }
}
