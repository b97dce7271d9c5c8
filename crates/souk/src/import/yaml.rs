//! YAML as JSON, for catalogues that are written in it.
//!
//! Read event by event. Anchors are not followed, so that no document grows when it is parsed; plain scalars become what the
//! core schema of YAML 1.2 (section 10.3.2) makes of them, as far as JSON has it.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

use super::files::Problem;

const DEEPEST: usize = 64;

/// Parses one document.
///
/// # Errors
/// What is wrong, and where: no YAML, a key that comes twice or is no text, an alias, more than one document.
pub fn parse(text: &str) -> Result<Value, Problem> {
    let mut open = Vec::<Open>::new();
    let mut document = None;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| Problem {
            at: Some((error.marker().line(), error.marker().col() + 1)),
            reason: format!("the file is no YAML: {}", error.info()),
        })?;
        let wrong = |reason: &str| Problem {
            at: Some((span.start.line(), span.start.col() + 1)),
            reason: format!("the file is not read: {reason}"),
        };
        let done = match event {
            Event::DocumentStart(_) if document.is_some() => return Err(wrong("it has more than one document")),
            Event::Alias(_) => return Err(wrong("it repeats a part by an alias; write it out")),
            Event::MappingStart(..) | Event::SequenceStart(..) if open.len() >= DEEPEST => {
                return Err(wrong("it is nested too deeply"));
            }
            Event::MappingStart(..) => {
                open.push(Open::Mapping(Map::new(), None));
                None
            }
            Event::SequenceStart(..) => {
                open.push(Open::Sequence(Vec::new()));
                None
            }
            Event::MappingEnd | Event::SequenceEnd => open.pop().map(Open::close),
            Event::Scalar(text, style, _, tag) => {
                let is_plain = style == ScalarStyle::Plain && tag.is_none();
                Some(if is_plain { plain(&text) } else { Value::String(text.into_owned()) })
            }
            _ => None,
        };
        match (done, open.last_mut()) {
            (Some(value), Some(parent)) => parent.take(value).map_err(wrong)?,
            (Some(value), None) => document = Some(value),
            (None, _) => {}
        }
    }
    Ok(document.unwrap_or(Value::Null))
}

/// A collection whose end is not reached.
enum Open {
    /// With the key whose value comes next.
    Mapping(Map<String, Value>, Option<String>),
    Sequence(Vec<Value>),
}

impl Open {
    fn take(&mut self, value: Value) -> Result<(), &'static str> {
        match self {
            Self::Sequence(items) => items.push(value),
            Self::Mapping(fields, key) => match (key.take(), value) {
                (Some(key), value) => {
                    if fields.insert(key, value).is_some() {
                        return Err("a key comes twice");
                    }
                }
                (None, Value::String(name)) => *key = Some(name),
                (None, Value::Array(_) | Value::Object(_)) => return Err("a key is no text"),
                (None, scalar) => *key = Some(scalar.to_string()),
            },
        }
        Ok(())
    }

    fn close(self) -> Value {
        match self {
            Self::Mapping(fields, _) => Value::Object(fields),
            Self::Sequence(items) => Value::Array(items),
        }
    }
}

/// A scalar without quotes.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let looks_like_a_number = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'))
        && text.ends_with(|c: char| c.is_ascii_digit() || c == '.');
    let number = looks_like_a_number.then(|| match text.parse::<i64>() {
        Ok(whole) => Some(Number::from(whole)),
        Err(_) => text.parse::<f64>().ok().and_then(Number::from_f64),
    });
    number.flatten().map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_become_json() {
        let text =
            "a: 1\nb: [x, 'y: z', \"1\"]\nc:\n  - d: true\n    e: ~\n  - 2.5\nf: |\n  two\n  lines\n8080: 1.2.3\n";
        let wanted = json!({"a": 1, "b": ["x", "y: z", "1"], "c": [{"d": true, "e": null}, 2.5], "f": "two\nlines\n",
            "8080": "1.2.3"});
        assert_eq!(parse(text), Ok(wanted));
        assert_eq!(parse(""), Ok(Value::Null));
        for kept in ["1.2.3", "nan", ".inf", "1e", "2024-01-01", "-"] {
            assert_eq!(plain(kept), json!(kept));
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let problem = |text: &str| parse(text).unwrap_err().place("f");
        assert_eq!(problem("a: 1\na: 2\n"), "f:2:4");
        assert_eq!(problem("a: &x 1\nb: *x\n"), "f:2:4");
        assert_eq!(problem("a: 1\n---\nb: 2\n"), "f:2:1");
        assert_eq!(problem("? [a]\n: b\n").split(':').count(), 3);
        assert!(parse("a: [1,\nb: }").unwrap_err().reason.contains("no YAML"));
        let deep = "[".repeat(100) + &"]".repeat(100);
        assert!(parse(&deep).unwrap_err().reason.contains("deeply"));
    }
}
