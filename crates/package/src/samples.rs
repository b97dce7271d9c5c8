//! Samples: inputs with what must come out, by which a package is tried.

use serde_json::Value;

/// As many samples as a manifest has.
pub const MOST: usize = 50;

/// An input with what must come out.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its name, 1 to 64 characters.
    pub name: String,
    /// What goes in.
    pub input: Value,
    /// What must come out.
    pub expected: Expected,
}

/// What must come out of a sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// Exactly this.
    Output(Value),
    /// Something with this property: a JSON object that a schema or a text describes.
    Property(Value),
}

/// Reads the field `samples` of a manifest.
///
/// # Errors
/// What is wrong, each with the place within `samples`.
pub fn read(value: &Value) -> Result<Vec<Sample>, Vec<(String, String)>> {
    let items = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(items) if items.len() <= MOST => items,
        Value::Array(items) => {
            return Err(vec![(String::new(), format!("has {} items; at most {MOST} are taken", items.len()))]);
        }
        _ => return Err(vec![(String::new(), "must be a list of samples".to_owned())]),
    };
    let mut samples = Vec::with_capacity(items.len());
    let mut problems = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match sample(item) {
            Ok(sample) => samples.push(sample),
            Err(problem) => problems.push((format!("[{index}]"), problem.to_owned())),
        }
    }
    if problems.is_empty() { Ok(samples) } else { Err(problems) }
}

fn sample(item: &Value) -> Result<Sample, &'static str> {
    let object = item.as_object().ok_or("must be an object with `name`, `input` and `expected` or `property`")?;
    let name = object.get("name").and_then(Value::as_str).map(str::trim).unwrap_or_default();
    if name.is_empty() || name.chars().count() > 64 {
        return Err("needs a `name` of 1 to 64 characters");
    }
    let input = object.get("input").ok_or("needs an `input`")?.clone();
    let expected = match (object.get("expected"), object.get("property")) {
        (Some(output), None) => Expected::Output(output.clone()),
        (None, Some(property @ (Value::String(_) | Value::Object(_)))) => Expected::Property(property.clone()),
        (None, Some(_)) => return Err("has a `property` that is neither a text nor an object"),
        (Some(_), Some(_)) => return Err("has `expected` and `property`; one of them says what must come out"),
        (None, None) => return Err("needs `expected` or `property`, which say what must come out"),
    };
    Ok(Sample { name: name.to_owned(), input, expected })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn samples_are_read() {
        let read = read(&json!([{"name":"a","input":{"q":1},"expected":null},{"name":"b","input":"x","property":{"type":"string"}}])).unwrap();
        assert_eq!(read[0].expected, Expected::Output(Value::Null));
        assert_eq!(read[1].expected, Expected::Property(json!({"type":"string"})));
    }

    #[test]
    fn samples_that_cannot_be_tried_are_refused() {
        let good = json!({"name":"a","input":1,"expected":1});
        for (value, place) in [
            (json!({}), ""),
            (json!(vec![good.clone(); 51]), ""),
            (json!([good, 1]), "[1]"),
            (json!([{"name":"","input":1,"expected":1}]), "[0]"),
            (json!([{"name":"a","expected":1}]), "[0]"),
            (json!([{"name":"a","input":1}]), "[0]"),
            (json!([{"name":"a","input":1,"expected":1,"property":"x"}]), "[0]"),
            (json!([{"name":"a","input":1,"property":7}]), "[0]"),
        ] {
            let problems = read(&value).unwrap_err();
            assert_eq!(problems.iter().map(|(place, _)| place.as_str()).collect::<Vec<_>>(), [place], "{value}");
        }
    }
}
