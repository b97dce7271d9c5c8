//! JSON Schemas (2020-12) of public events, and what may not change in them.

use serde_json::{Map, Value, json};

use super::catalogue::PublicType;

/// The schema of the data of a public event; `base` is where Souk is found, empty where that is not known.
#[must_use]
pub fn schema(public: &PublicType, base: &str) -> Value {
    let properties: Map<String, Value> =
        public.fields.iter().map(|field| (field.name.to_owned(), field.shape.schema())).collect();
    let required: Vec<&str> = public.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": address(public, base),
        "title": public.full_name(),
        "description": format!("{} Further fields may be added.", public.summary),
        "type": "object",
        "required": required,
        "properties": properties,
    })
}

/// Where the schema is found.
#[must_use]
pub fn address(public: &PublicType, base: &str) -> String {
    format!("{}/api/v1/schemas/{}/v{}", base.trim_end_matches('/'), public.family(), public.version)
}

/// What of `new` breaks who goes by `old`, each beginning with a place; empty when nothing does. A field may be added, and nothing taken
/// away, narrowed or demanded.
#[must_use]
pub fn breaks(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", old, new, &mut found);
    found
}

fn compare(place: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    if old["type"] != new["type"] {
        found.push(format!("{place}: the type changed from {} to {}", old["type"], new["type"]));
    }
    for word in ["format", "pattern", "minimum", "maximum"] {
        if old[word] != new[word] {
            found.push(format!("{place}: `{word}` changed from {} to {}", old[word], new[word]));
        }
    }
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (before, after) = (texts(&old["required"]), texts(&new["required"]));
    found.extend(
        before.iter().filter(|name| !after.contains(name)).map(|n| format!("{place}/{n}: is not certain any more")),
    );
    found.extend(after.iter().filter(|name| !before.contains(name)).map(|n| format!("{place}/{n}: is required now")));
    let (before, after) = (texts(&old["enum"]), texts(&new["enum"]));
    found.extend(
        before.iter().filter(|value| !after.contains(value)).map(|v| format!("{place}: the value {v} is gone")),
    );
    if old["enum"].is_null() && !new["enum"].is_null() {
        found.push(format!("{place}: has a list of values now"));
    }
    for (name, old) in old["properties"].as_object().into_iter().flatten() {
        match new["properties"].get(name) {
            Some(new) => compare(&format!("{place}/{name}"), old, new, found),
            None => found.push(format!("{place}/{name}: is gone")),
        }
    }
    if old["items"].is_object() {
        compare(&format!("{place}/[]"), &old["items"], &new["items"], found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::public::catalogue::TYPES;

    #[test]
    fn an_added_field_is_no_break_and_everything_else_is() {
        let old = json!({
            "type": "object", "required": ["a"],
            "properties": { "a": { "type": "string" }, "b": { "type": "string", "enum": ["x", "y"] },
                "c": { "type": "array", "items": { "type": "string" } } },
        });
        let with = |change: &dyn Fn(&mut Value)| {
            let mut new = old.clone();
            change(&mut new);
            breaks(&old, &new)
        };
        assert_eq!(with(&|new| new["properties"]["d"] = json!({ "type": "integer" })), Vec::<String>::new());
        assert_eq!(with(&|new| new["properties"]["b"]["enum"] = json!(["x", "y", "z"])), Vec::<String>::new());
        for (change, said) in [
            (
                (&|new: &mut Value| drop(new["properties"].as_object_mut().unwrap().remove("b")))
                    as &dyn Fn(&mut Value),
                "/b: is gone",
            ),
            (&|new| new["properties"]["a"]["type"] = json!("integer"), "/a: the type changed"),
            (&|new| new["properties"]["a"]["format"] = json!("uuid"), "/a: `format` changed"),
            (&|new| new["properties"]["b"]["enum"] = json!(["x"]), "/b: the value y is gone"),
            (&|new| new["properties"]["c"]["items"]["type"] = json!("integer"), "/c/[]: the type changed"),
            (&|new| new["required"] = json!(["a", "b"]), "/b: is required now"),
            (&|new| new["required"] = json!([]), "/a: is not certain any more"),
        ] {
            let found = with(change);
            assert!(found.len() == 1 && found[0].starts_with(said), "{said}: {found:?}");
        }
    }

    #[test]
    fn a_schema_says_where_it_is() {
        let public = TYPES.iter().find(|public| public.name == "plugin.created").unwrap();
        let schema = schema(public, "https://souk.example/");
        assert_eq!(schema["$id"], "https://souk.example/api/v1/schemas/souk.plugin.created/v1");
        assert_eq!(schema["properties"]["pluginId"]["format"], "uuid");
    }
}
