//! Values against the schemas of Kubernetes.
//!
//! These schemas use a few words of JSON Schema only: `type`, `properties`, `required`, `items`, `additionalProperties`,
//! `$ref`, `format` and `x-kubernetes-int-or-string`. Any other word is an error here, and never a silent yes.

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value};

/// A schema and what it refers to.
pub struct Schema {
    root: Value,
    definitions: Map<String, Value>,
}

/// Words that say nothing about which values are right.
const SILENT: [&str; 6] =
    ["$schema", "$defs", "title", "description", "default", "x-kubernetes-preserve-unknown-fields"];

impl Schema {
    /// The schema of a kind.
    pub fn of<T: JsonSchema>() -> Self {
        let mut generator: SchemaGenerator = SchemaSettings::draft2020_12().into_generator();
        let root = generator.root_schema_for::<T>().to_value();
        let definitions = root.get("$defs").and_then(Value::as_object).cloned().unwrap_or_default();
        Self { root, definitions }
    }

    /// What is wrong with `value`, each with its path.
    pub fn faults(&self, value: &Value) -> Vec<String> {
        let mut found = Vec::new();
        self.check(&self.root, value, "", &mut found);
        found
    }

    fn check(&self, schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
        let Some(words) = schema.as_object() else {
            // `true` takes everything.
            return if schema != &Value::Bool(true) {
                found.push(format!("{path}: a schema that takes nothing"))
            };
        };
        if let Some(target) = words.get("$ref").and_then(Value::as_str) {
            let name = target.trim_start_matches("#/$defs/").replace("~1", "/");
            match self.definitions.get(&name) {
                Some(definition) => self.check(definition, value, path, found),
                None => found.push(format!("{path}: the schema refers to {name}, which is nowhere")),
            }
        }
        if words.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true)) && !(value.is_i64() || value.is_string())
        {
            found.push(format!("{path}: {value}: expected a whole number or a text"));
        }
        for (word, says) in words {
            match word.as_str() {
                "type" => kind(says, value, path, found),
                "format" => format(says, value, path, found),
                "properties" => self.fields(words, value, path, found),
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(says, item, &format!("{path}[{index}]"), found);
                    }
                }
                "additionalProperties" if !words.contains_key("properties") => {
                    for (name, field) in value.as_object().into_iter().flatten() {
                        self.check(says, field, &join(path, name), found);
                    }
                }
                "required" => {
                    for name in says.as_array().into_iter().flatten().filter_map(Value::as_str) {
                        if value.is_object() && value.get(name).is_none() {
                            found.push(format!("{}: missing", join(path, name)));
                        }
                    }
                }
                "$ref" | "additionalProperties" | "x-kubernetes-int-or-string" => {}
                silent if SILENT.contains(&silent) => {}
                other => found.push(format!("{path}: the schema says {other}, which this check does not know")),
            }
        }
    }

    fn fields(&self, words: &Map<String, Value>, value: &Value, path: &str, found: &mut Vec<String>) {
        for (name, field) in value.as_object().into_iter().flatten() {
            match words["properties"].get(name) {
                Some(schema) => self.check(schema, field, &join(path, name), found),
                None if words.contains_key("additionalProperties") => {}
                None => found.push(format!("{}: unknown field", join(path, name))),
            }
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn kind(says: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    };
    let right = match says {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        _ => false,
    };
    if !right {
        found.push(format!("{path}: {value}: expected {says}"));
    }
}

fn format(says: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    let right = match (says.as_str(), value) {
        (Some("int32"), Value::Number(number)) => number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
        _ => true,
    };
    if !right {
        found.push(format!("{path}: {value}: expected a number of 32 bits"));
    }
}
