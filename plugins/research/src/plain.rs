//! Pages without markup: plain text and JSON.

use serde_json::Value;

use crate::outline::Outline;

/// Paragraphs are what blank lines separate.
pub(crate) fn read(text: &str) -> Outline {
    let mut outline = Outline::default();
    let mut paragraph = String::new();
    for line in text.lines().chain([""]) {
        if line.trim().is_empty() {
            outline.text(&std::mem::take(&mut paragraph));
        } else {
            paragraph.push_str(line);
            paragraph.push('\n');
        }
    }
    outline
}

/// Every text in JSON is a paragraph, and where it stands is its heading. What is no JSON is read as plain text.
pub(crate) fn json(text: &str) -> Outline {
    let Ok(value) = serde_json::from_str::<Value>(text) else { return read(text) };
    let mut outline = Outline::default();
    let title = ["title", "name"].iter().find_map(|field| value.get(field).and_then(Value::as_str));
    outline.title = title.map(str::to_owned);
    texts(&value, "", &mut outline);
    outline
}

fn texts(value: &Value, pointer: &str, outline: &mut Outline) {
    match value {
        Value::String(text) => {
            let title = outline.title.take();
            outline.heading(pointer, None);
            outline.title = title;
            outline.text(text);
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                texts(item, &format!("{pointer}/{index}"), outline);
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                texts(value, &format!("{pointer}/{key}"), outline);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outline::Content;

    fn texts(outline: &Outline) -> Vec<(&str, &str)> {
        let text = |content: &'_ Content| match content {
            Content::Text(text) => text.clone(),
            Content::Code { code, .. } => code.clone(),
        };
        outline
            .blocks
            .iter()
            .map(|block| (block.heading.as_deref().unwrap_or_default(), &*text(&block.content).leak()))
            .collect()
    }

    #[test]
    fn paragraphs_and_fields_are_found() {
        assert_eq!(texts(&read("a b\nc\n \n\nd")), [("", "a b c"), ("", "d")]);
        let outline = json(r#"{"name":"n","a":["x y",{"b":"z"}],"n":1}"#);
        assert_eq!(texts(&outline), [("/a/0", "x y"), ("/a/1/b", "z"), ("/name", "n")]);
        assert_eq!(outline.title.as_deref(), Some("n"));
        assert_eq!(texts(&json("{broken")), [("", "{broken")]);
    }
}
