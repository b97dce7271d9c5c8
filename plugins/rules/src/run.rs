//! Templates, filled in.

use serde_json::{Map, Value};

use crate::{
    Failure,
    template::{From, Piece, Template},
};

/// The value of `template` for `input`, in at most so many steps and with at most so many bytes of text.
pub(crate) fn output(template: &Template, input: &Value, steps: usize, text: usize) -> Result<Value, Failure> {
    Run { input, steps, text }.value(template, input)
}

struct Run<'a> {
    input: &'a Value,
    /// What is left.
    steps: usize,
    /// What is left.
    text: usize,
}

fn too_large() -> Failure {
    Failure::new("too_large", "the rules make more of this input than one run may")
}

impl<'a> Run<'a> {
    fn value(&mut self, template: &'a Template, current: &Value) -> Result<Value, Failure> {
        self.steps = self.steps.checked_sub(1).ok_or_else(too_large)?;
        Ok(match template {
            Template::Exactly(value) => self.counted(value)?,
            Template::Text(pieces) => Value::String(self.text_of(pieces, current)?),
            Template::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    list.push(self.value(item, current)?);
                }
                Value::Array(list)
            }
            Template::Object(fields) => {
                let mut object = Map::new();
                for (key, field) in fields {
                    object.insert(key.clone(), self.value(field, current)?);
                }
                Value::Object(object)
            }
            Template::Get { from, pointer, default } => {
                let root = match from {
                    From::Current => current,
                    From::Input => self.input,
                };
                match (root.pointer(pointer), default) {
                    (Some(found), _) => self.counted(found)?,
                    (None, Some(default)) => self.value(default, current)?,
                    (None, None) => return Err(missing(pointer)),
                }
            }
            Template::Each { list, item } => {
                let mut made = Vec::new();
                for current in self.list(list, current)? {
                    made.push(self.value(item, &current)?);
                }
                Value::Array(made)
            }
            Template::If { condition, then, otherwise } => {
                let chosen = if is_yes(&self.value(condition, current)?) { then } else { otherwise };
                self.value(chosen, current)?
            }
            Template::Equal(both) => Value::Bool(self.value(&both.0, current)? == self.value(&both.1, current)?),
            Template::Not(of) => Value::Bool(!is_yes(&self.value(of, current)?)),
            Template::Join { list, with } => {
                let mut joined = String::new();
                for (index, item) in self.list(list, current)?.iter().enumerate() {
                    if index > 0 {
                        self.add(&mut joined, with)?;
                    }
                    self.add(&mut joined, &as_text(item))?;
                }
                Value::String(joined)
            }
            Template::Count(of) => match self.value(of, current)? {
                Value::Array(items) => items.len().into(),
                Value::Object(fields) => fields.len().into(),
                Value::String(text) => text.chars().count().into(),
                _ => return Err(Failure::new("not_countable", "only lists, objects and texts are counted")),
            },
        })
    }

    fn list(&mut self, template: &'a Template, current: &Value) -> Result<Vec<Value>, Failure> {
        match self.value(template, current)? {
            Value::Array(items) => Ok(items),
            _ => Err(Failure::new("not_a_list", "the rules go through a list, and the input has none there")),
        }
    }

    fn text_of(&mut self, pieces: &[Piece], current: &Value) -> Result<String, Failure> {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Exactly(exactly) => self.add(&mut text, exactly)?,
                Piece::Place(pointer) => {
                    let found = current.pointer(pointer).ok_or_else(|| missing(pointer))?;
                    self.add(&mut text, &as_text(found))?;
                }
            }
        }
        Ok(text)
    }

    fn add(&mut self, to: &mut String, text: &str) -> Result<(), Failure> {
        self.text = self.text.checked_sub(text.len()).ok_or_else(too_large)?;
        to.push_str(text);
        Ok(())
    }

    /// A copy, which counts like text that was made: copies within `$each` multiply.
    fn counted(&mut self, value: &Value) -> Result<Value, Failure> {
        self.text = self.text.checked_sub(size(value)).ok_or_else(too_large)?;
        Ok(value.clone())
    }
}

fn missing(pointer: &str) -> Failure {
    Failure::new("value_missing", format!("the input has nothing at `{pointer}`"))
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_yes(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(yes) => *yes,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => 8 + items.iter().map(size).sum::<usize>(),
        Value::Object(fields) => 8 + fields.iter().map(|(key, value)| key.len() + size(value)).sum::<usize>(),
        _ => 8,
    }
}
