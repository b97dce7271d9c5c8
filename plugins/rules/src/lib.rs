//! A small language in JSON that makes an output of an input. It has no loops but over lists that are there, so that every run ends.
//!
//! Rules are an object with `output`, a template, and optionally `require`, a list of what an input must have. A template is any JSON: what is
//! no operation stands for itself, and a text may hold places, `{{/pointer}}`, that are filled in. Operations are objects:
//!
//! | operation | what it makes |
//! |---|---|
//! | `{"$get": "/pointer", "default": T}` | what the current value has there: the input, or within `$each` the item |
//! | `{"$input": "/pointer", "default": T}` | what the input has there |
//! | `{"$each": T, "do": T}` | a list: the second template for every item of the first |
//! | `{"$if": T, "then": T, "else": T}` | one of two; `null`, `false`, `0` and what is empty count as no |
//! | `{"$equal": [T, T]}`, `{"$not": T}` | `true` or `false` |
//! | `{"$join": T, "with": ", "}` | the items of a list as one text |
//! | `{"$count": T}` | how many items, fields or characters |
//! | `{"$literal": any}` | exactly that, whatever it looks like |

mod run;
mod template;

use serde_json::Value;

use self::template::{Template, problem};

/// Steps of one run.
const MOST_STEPS: usize = 100_000;
/// Bytes of text that one run makes.
const MOST_TEXT: usize = 256 << 10;
/// Templates within templates.
const DEEPEST: usize = 32;
/// What an input must have, at most.
const MOST_REQUIRED: usize = 50;

/// Why there is no output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Stable, in snake case, at most 64 bytes.
    pub code: String,
    /// For people.
    pub message: String,
}

impl Failure {
    fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

/// Rules that were read and are sound.
#[derive(Debug)]
pub struct Rules {
    require: Vec<Requirement>,
    output: Template,
}

/// What an input must have.
#[derive(Debug)]
struct Requirement {
    at: String,
    sort: Option<String>,
    failure: Failure,
}

impl Rules {
    /// Reads rules.
    ///
    /// # Errors
    /// `rules_invalid`, with the place.
    pub fn read(value: &Value) -> Result<Self, Failure> {
        let object = value.as_object().ok_or_else(|| problem("", "rules are an object with `output`"))?;
        if let Some(other) = object.keys().find(|key| !["output", "require"].contains(&key.as_str())) {
            return Err(problem("", &format!("there is no `{other}`, only `output` and `require`")));
        }
        let output = object.get("output").ok_or_else(|| problem("", "`output` is missing"))?;
        let require = match object.get("require") {
            None => Vec::new(),
            Some(Value::Array(items)) if items.len() <= MOST_REQUIRED => {
                items.iter().enumerate().map(|(index, item)| requirement(index, item)).collect::<Result<_, _>>()?
            }
            Some(_) => return Err(problem("/require", &format!("must be a list of at most {MOST_REQUIRED} items"))),
        };
        Ok(Self { require, output: Template::read(output, "/output", DEEPEST)? })
    }

    /// The output for `input`.
    ///
    /// # Errors
    /// The code of the first requirement that is not met; `value_missing`, `not_a_list` or `too_large` of the output.
    pub fn run(&self, input: &Value) -> Result<Value, Failure> {
        for required in &self.require {
            let found = input.pointer(&required.at);
            if !found.is_some_and(|found| required.sort.as_deref().is_none_or(|sort| is(found, sort))) {
                return Err(required.failure.clone());
            }
        }
        run::output(&self.output, input, MOST_STEPS, MOST_TEXT)
    }
}

fn requirement(index: usize, item: &Value) -> Result<Requirement, Failure> {
    let place = format!("/require/{index}");
    let object =
        item.as_object().ok_or_else(|| problem(&place, "must be an object with `at`, `code` and `message`"))?;
    if let Some(other) = object.keys().find(|key| !["at", "type", "code", "message"].contains(&key.as_str())) {
        return Err(problem(&place, &format!("there is no `{other}`")));
    }
    let text = |field: &str| object.get(field).and_then(Value::as_str);
    let at = text("at").filter(|at| template::is_pointer(at));
    let at = at.ok_or_else(|| problem(&place, "`at` must be a pointer such as `/topic`"))?;
    let code = text("code").filter(|code| is_code(code));
    let code = code.ok_or_else(|| problem(&place, "`code` must be 1 to 64 characters a-z, 0-9 and `_`"))?;
    let message = text("message").filter(|message| !message.trim().is_empty() && message.len() <= 1_000);
    let message = message.ok_or_else(|| problem(&place, "`message` must say in words what is missing"))?;
    let sort = match object.get("type") {
        None => None,
        Some(sort) => {
            let known = sort.as_str().filter(|sort| SORTS.contains(sort));
            Some(known.ok_or_else(|| problem(&place, &format!("`type` must be one of {}", SORTS.join(", "))))?)
        }
    };
    Ok(Requirement { at: at.to_owned(), sort: sort.map(str::to_owned), failure: Failure::new(code, message) })
}

const SORTS: [&str; 6] = ["string", "number", "integer", "boolean", "array", "object"];

fn is(value: &Value, sort: &str) -> bool {
    match sort {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        _ => value.is_object(),
    }
}

fn is_code(code: &str) -> bool {
    (1..=64).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests;
