//! Templates, from JSON to what is run.

use serde_json::{Map, Value};

use crate::Failure;

/// What makes a value.
#[derive(Debug)]
pub(crate) enum Template {
    /// Stands for itself.
    Exactly(Value),
    /// A text with places.
    Text(Vec<Piece>),
    List(Vec<Template>),
    Object(Vec<(String, Template)>),
    Get {
        from: From,
        pointer: String,
        default: Option<Box<Template>>,
    },
    Each {
        list: Box<Template>,
        item: Box<Template>,
    },
    If {
        condition: Box<Template>,
        then: Box<Template>,
        otherwise: Box<Template>,
    },
    Equal(Box<(Template, Template)>),
    Not(Box<Template>),
    Join {
        list: Box<Template>,
        with: String,
    },
    Count(Box<Template>),
}

/// A part of a text.
#[derive(Debug)]
pub(crate) enum Piece {
    Exactly(String),
    /// What the current value has there.
    Place(String),
}

/// Where a value is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum From {
    /// The item of the innermost `$each`, else the input.
    Current,
    Input,
}

pub(crate) fn problem(place: &str, what: &str) -> Failure {
    let place = if place.is_empty() { "the rules" } else { place };
    Failure::new("rules_invalid", format!("{place}: {what}"))
}

/// Whether this is a JSON pointer, RFC 6901.
pub(crate) fn is_pointer(text: &str) -> bool {
    text.is_empty() || text.starts_with('/')
}

impl Template {
    /// Reads the template at `place`, with so many more within it at most.
    pub(crate) fn read(value: &Value, place: &str, deeper: usize) -> Result<Self, Failure> {
        let deeper = deeper.checked_sub(1).ok_or_else(|| problem(place, "is too deep"))?;
        match value {
            Value::String(text) => text_with_places(text, place),
            Value::Array(items) => {
                let items = items.iter().enumerate();
                items
                    .map(|(index, item)| Self::read(item, &format!("{place}/{index}"), deeper))
                    .collect::<Result<_, _>>()
                    .map(Self::List)
            }
            Value::Object(object) => match object.keys().find(|key| key.starts_with('$')) {
                Some(operation) => Self::operation(operation, object, place, deeper),
                None => object
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), Self::read(value, &format!("{place}/{key}"), deeper)?)))
                    .collect::<Result<_, _>>()
                    .map(Self::Object),
            },
            other => Ok(Self::Exactly(other.clone())),
        }
    }

    fn operation(name: &str, object: &Map<String, Value>, place: &str, deeper: usize) -> Result<Self, Failure> {
        let others: &[&str] = match name {
            "$get" | "$input" => &["default"],
            "$each" => &["do"],
            "$if" => &["then", "else"],
            "$join" => &["with"],
            "$equal" | "$not" | "$count" | "$literal" => &[],
            _ => return Err(problem(place, &format!("there is no operation `{name}`"))),
        };
        if let Some(other) = object.keys().find(|key| *key != name && !others.contains(&key.as_str())) {
            return Err(problem(place, &format!("`{name}` has no `{other}`")));
        }
        let value = object.get(name).unwrap_or(&Value::Null);
        let read = |value: &Value, field: &str| Self::read(value, &format!("{place}/{field}"), deeper).map(Box::new);
        let needed = |field: &str| {
            let value = object.get(field).ok_or_else(|| problem(place, &format!("`{name}` needs `{field}`")))?;
            read(value, field)
        };
        Ok(match name {
            "$get" | "$input" => {
                let pointer = value.as_str().filter(|pointer| is_pointer(pointer));
                let pointer = pointer.ok_or_else(|| problem(place, "must name a pointer such as `/topic`"))?.to_owned();
                let from = if name == "$get" { From::Current } else { From::Input };
                let default = object.get("default").map(|value| read(value, "default")).transpose()?;
                Self::Get { from, pointer, default }
            }
            "$each" => Self::Each { list: read(value, name)?, item: needed("do")? },
            "$if" => Self::If {
                condition: read(value, name)?,
                then: needed("then")?,
                otherwise: read(object.get("else").unwrap_or(&Value::Null), "else")?,
            },
            "$equal" => match value.as_array().map(Vec::as_slice) {
                Some([one, other]) => Self::Equal(Box::new((*read(one, name)?, *read(other, name)?))),
                _ => return Err(problem(place, "`$equal` compares a list of two")),
            },
            "$not" => Self::Not(read(value, name)?),
            "$join" => {
                let with = object.get("with").map_or(Some(""), Value::as_str);
                let with = with.ok_or_else(|| problem(place, "`with` must be a text"))?.to_owned();
                Self::Join { list: read(value, name)?, with }
            }
            "$count" => Self::Count(read(value, name)?),
            _ => Self::Exactly(value.clone()),
        })
    }
}

/// `{{` begins a place only before a pointer: templates of other languages, such as `{{ name }}`, stay as they are.
fn text_with_places(text: &str, place: &str) -> Result<Template, Failure> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut exactly = String::new();
    while let Some(at) = rest.find("{{") {
        let (before, from) = rest.split_at(at);
        exactly.push_str(before);
        let inner = from.get(2..).unwrap_or_default();
        if !inner.starts_with('/') && !inner.starts_with("}}") {
            exactly.push_str("{{");
            rest = inner;
            continue;
        }
        let (pointer, after) =
            inner.split_once("}}").ok_or_else(|| problem(place, "a place that begins with `{{` does not end"))?;
        pieces.push(Piece::Exactly(std::mem::take(&mut exactly)));
        pieces.push(Piece::Place(pointer.to_owned()));
        rest = after;
    }
    exactly.push_str(rest);
    if pieces.is_empty() {
        return Ok(Template::Exactly(Value::String(exactly)));
    }
    pieces.push(Piece::Exactly(exactly));
    Ok(Template::Text(pieces))
}
