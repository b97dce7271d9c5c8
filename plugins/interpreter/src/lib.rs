//! The component that runs the rules of a package, `rules.json` beside it; the language is that of the crate `rules`.

#![allow(missing_docs, reason = "the world's types are documented where it is")]

use rules::Rules;
use serde_json::Value;

wit_bindgen::generate!({ path: "../../wit", world: "plugin" });

const FILE: &str = "/plugin/rules.json";

struct Interpreter;

impl Guest for Interpreter {
    fn run(input: String) -> Result<String, Failure> {
        let text = std::fs::read_to_string(FILE)
            .map_err(|error| failure("rules_missing", format!("the package has no rules.json to read: {error}")))?;
        let rules: Value =
            serde_json::from_str(&text).map_err(|error| failure("rules_invalid", format!("rules.json: {error}")))?;
        let rules = Rules::read(&rules).map_err(|why| failure(&why.code, why.message))?;
        let input: Value =
            serde_json::from_str(&input).map_err(|error| refusal("input_invalid", &format!("the input: {error}")))?;
        // Sound rules depend on the input alone: whatever stops them is something that the input has or lacks.
        let output = rules.run(&input).map_err(|why| refusal(&why.code, &why.message))?;
        Ok(output.to_string())
    }
}

export!(Interpreter);

/// The caller's mistake, which does not count against the package.
fn refusal(code: &str, message: &str) -> Failure {
    failure("invalid_input", format!("{code}: {message}"))
}

fn failure(code: &str, message: String) -> Failure {
    Failure { code: code.to_owned(), message }
}
