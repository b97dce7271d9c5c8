//! Properties that an output must have: the part of JSON Schema that says what sort of value it is and what it holds.

use serde_json::{Map, Value};

/// What of `value` breaks `property`; none when it has it. Of a schema `type`, `const`, `enum`, `required`, `properties` and `items` are
/// looked at. A text says it for people, and cannot be broken.
#[must_use]
pub fn breach(property: &Value, value: &Value) -> Option<String> {
    match property {
        Value::Object(schema) => breach_of(schema, value, "the output"),
        _ => None,
    }
}

fn breach_of(schema: &Map<String, Value>, value: &Value, what: &str) -> Option<String> {
    if let Some(expected) = schema.get("type").and_then(Value::as_str)
        && !is(value, expected)
    {
        return Some(format!("{what} is no {expected}"));
    }
    if schema.get("const").is_some_and(|expected| expected != value) {
        return Some(format!("{what} is another value than `const`"));
    }
    if schema.get("enum").and_then(Value::as_array).is_some_and(|allowed| !allowed.contains(value)) {
        return Some(format!("{what} is none of the values of `enum`"));
    }
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    for name in required {
        if value.get(name).is_none() {
            return Some(format!("{what} has no `{name}`"));
        }
    }
    let fields = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    for (name, schema) in fields {
        if let (Some(schema), Some(field)) = (schema.as_object(), value.get(name))
            && let Some(breach) = breach_of(schema, field, &format!("`{name}` of {what}"))
        {
            return Some(breach);
        }
    }
    let items = schema.get("items").and_then(Value::as_object)?;
    value.as_array()?.iter().find_map(|item| breach_of(items, item, &format!("an item of {what}")))
}

fn is(value: &Value, sort: &str) -> bool {
    match sort {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_broken_is_named() {
        let schema = json!({
            "type": "object", "required": ["words"],
            "properties": {"words": {"type": "integer"}, "tags": {"type": "array", "items": {"enum": ["a", "b"]}}},
        });
        for (value, expected) in [
            (json!({"words": 3, "tags": ["a", "b"]}), None),
            (json!([]), Some("the output is no object")),
            (json!({}), Some("the output has no `words`")),
            (json!({"words": 1.5}), Some("`words` of the output is no integer")),
            (
                json!({"words": 1, "tags": ["c"]}),
                Some("an item of `tags` of the output is none of the values of `enum`"),
            ),
        ] {
            assert_eq!(breach(&schema, &value).as_deref(), expected, "{value}");
        }
        assert_eq!(breach(&json!("a friendly answer"), &json!(5)), None);
        assert_eq!(
            breach(&json!({"const": 4}), &json!(5)).as_deref(),
            Some("the output is another value than `const`")
        );
    }
}
