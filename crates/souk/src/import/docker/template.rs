//! The templates of Docker's descriptions, `{{SERVER.PARAMETER|FILTER}}`, as inputs of a `server.json`.

use serde_json::{Map, Value, json};

/// `input` with the value that `template` makes: what a parameter says of itself where the template is nothing but that
/// parameter, else a value with `{variables}`, else a fixed value.
pub fn input(template: &str, parameters: &Value, mut input: Value) -> Value {
    let (value, names) = split(template);
    let Some(fields) = input.as_object_mut() else { return input };
    match names.as_slice() {
        [] => {
            fields.insert("value".to_owned(), json!(value));
        }
        [path] if value == format!("{{{}}}", name(path)) => {
            if fields.get("type").is_some() {
                fields.insert("valueHint".to_owned(), json!(name(path)));
            }
            for (key, said) in variable(path, parameters) {
                fields.entry(key).or_insert(said);
            }
        }
        _ => {
            let variables: Map<_, _> =
                names.iter().map(|path| (name(path), Value::Object(variable(path, parameters)))).collect();
            fields.insert("value".to_owned(), json!(value));
            fields.insert("variables".to_owned(), Value::Object(variables));
        }
    }
    input
}

/// The text with `{NAME}` for every `${NAME}`, and those names.
pub fn shell(text: &str) -> (String, Vec<String>) {
    replaced(text, "${", "}", |name| name.trim().to_owned())
}

/// A scalar as text; empty for anything else.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// The text with `{NAME}` for every `{{…}}`, and the paths of those parameters.
fn split(template: &str) -> (String, Vec<String>) {
    let mut paths = Vec::new();
    let (value, _) = replaced(template, "{{", "}}", |inner| {
        let path = inner.split('|').next().unwrap_or(inner).trim().to_owned();
        let name = name(&path);
        if !paths.contains(&path) {
            paths.push(path);
        }
        name
    });
    (value, paths)
}

fn replaced(text: &str, open: &str, close: &str, mut name: impl FnMut(&str) -> String) -> (String, Vec<String>) {
    let (mut done, mut names, mut rest) = (String::new(), Vec::new(), text);
    while let Some((before, behind)) = rest.split_once(open)
        && let Some((inner, after)) = behind.split_once(close)
    {
        let name = name(inner);
        done.push_str(&format!("{before}{{{name}}}"));
        names.push(name);
        rest = after;
    }
    done.push_str(rest);
    (done, names)
}

/// The path without the name of the server, which it begins with.
fn steps(path: &str) -> Vec<&str> {
    let steps: Vec<_> = path.split('.').collect();
    if steps.len() > 1 { steps.into_iter().skip(1).collect() } else { steps }
}

fn name(path: &str) -> String {
    steps(path).join("_")
}

/// What the schema of the parameters says of one of them.
fn variable(path: &str, parameters: &Value) -> Map<String, Value> {
    let mut found = Some(parameters);
    let mut is_required = true;
    for step in steps(path) {
        let required = found.and_then(|object| object.get("required")).and_then(Value::as_array);
        is_required &= required.is_some_and(|names| names.iter().any(|name| name.as_str() == Some(step)));
        found = found.and_then(|object| object.get("properties")).and_then(|it| it.get(step));
    }
    let mut variable = Map::new();
    variable.insert("isRequired".to_owned(), json!(is_required));
    let Some(schema) = found else { return variable };
    if let Some(about) = schema.get("description").and_then(Value::as_str).filter(|about| !about.is_empty()) {
        variable.insert("description".to_owned(), json!(about));
    }
    let default = schema.get("default").map(text).filter(|text| !text.is_empty());
    if let Some(default) = default {
        variable.insert("default".to_owned(), json!(default));
    }
    let format = match schema.get("type").and_then(Value::as_str) {
        Some("number" | "integer") => Some("number"),
        Some("boolean") => Some("boolean"),
        _ => None,
    };
    if let Some(format) = format {
        variable.insert("format".to_owned(), json!(format));
    }
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        variable.insert("choices".to_owned(), choices.iter().map(text).map(Value::String).collect());
    }
    variable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_says_what_it_is() {
        let parameters = json!({"properties": {"port": {"type": "integer", "description": "Where", "default": 80},
            "deep": {"properties": {"mode": {"enum": ["a", "b"]}}, "required": ["mode"]}}, "required": ["deep"]});
        let of = |template: &str| input(template, &parameters, json!({ "name": "N" }));
        assert_eq!(
            of("{{srv.port}}"),
            json!({"name": "N", "isRequired": false, "description": "Where", "default": "80", "format": "number"})
        );
        assert_eq!(of("{{srv.deep.mode|into}}"), json!({"name": "N", "isRequired": true, "choices": ["a", "b"]}));
        assert_eq!(of("fixed"), json!({"name": "N", "value": "fixed"}));
        let mixed = of("{{srv.port}}:{{srv.port|or:[]}}/x");
        assert_eq!(mixed["value"], "{port}:{port}/x");
        assert_eq!(mixed["variables"]["port"]["default"], "80");
        assert_eq!(input("{{srv.none}}", &Value::Null, json!({"type": "positional"}))["valueHint"], "none");
        assert_eq!(of("{{never closed"), json!({"name": "N", "value": "{{never closed"}));
    }

    #[test]
    fn variables_of_a_shell_are_found() {
        assert_eq!(shell("Bearer ${TOKEN}"), ("Bearer {TOKEN}".to_owned(), vec!["TOKEN".to_owned()]));
        assert_eq!(shell("plain"), ("plain".to_owned(), vec![]));
    }
}
