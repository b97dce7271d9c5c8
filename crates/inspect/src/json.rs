//! The texts of a JSON document with their lines, which a parsed value no longer has.

use std::borrow::Cow;

/// A text of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    /// Where: a pointer as of RFC 6901 without its escapes, e.g. `/nodes/3/name`.
    pub pointer: String,
    /// What it says, unescaped.
    pub value: String,
    /// On which line it begins, from 1.
    pub line: u32,
}

enum Level {
    Object { key: Option<String> },
    Array { index: usize },
}

/// Every text of `document` that is no key, in order. `document` was found to be JSON; of what is none, less is read.
pub(crate) fn texts(document: &str) -> Vec<Text> {
    let mut found = Vec::new();
    let mut levels: Vec<Level> = Vec::new();
    let bytes = document.as_bytes();
    let (mut at, mut line) = (0, 1);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\n' => line += 1,
            b'{' => levels.push(Level::Object { key: None }),
            b'[' => levels.push(Level::Array { index: 0 }),
            b'}' | b']' => drop(levels.pop()),
            b',' => match levels.last_mut() {
                Some(Level::Object { key }) => *key = None,
                Some(Level::Array { index }) => *index += 1,
                None => {}
            },
            b'"' => {
                let end = end_of_text(bytes, at);
                let value = serde_json::from_str(document.get(at..end).unwrap_or_default()).unwrap_or_default();
                match levels.last_mut() {
                    Some(Level::Object { key: key @ None }) => *key = Some(value),
                    _ => found.push(Text { pointer: pointer(&levels), value, line }),
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Just behind the quote that ends the text which begins at `start`.
fn end_of_text(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn pointer(levels: &[Level]) -> String {
    levels.iter().fold(String::new(), |mut pointer, level| {
        let part = match level {
            Level::Object { key } => Cow::Borrowed(key.as_deref().unwrap_or_default()),
            Level::Array { index } => Cow::Owned(index.to_string()),
        };
        pointer.push('/');
        pointer.push_str(&part);
        pointer
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_pointers_and_lines() {
        let document = "{\n \"a\": [1, {\"b\": \"x\\n\\\"y\"},\n \"z\"],\n \"c\": {\"d\": true, \"e\": \"{[,\"}\n}";
        let found: Vec<_> = texts(document).into_iter().map(|t| (t.pointer, t.value, t.line)).collect();
        let text = |pointer: &str, value: &str, line| (pointer.to_owned(), value.to_owned(), line);
        assert_eq!(found, [text("/a/1/b", "x\n\"y", 2), text("/a/2", "z", 3), text("/c/e", "{[,", 4)]);
    }

    #[test]
    fn what_is_cut_off_does_not_panic() {
        for document in ["", "\"", "{\"a\": \"b\\", "[\"é", "]]}}", "{\"a\""] {
            let _ = texts(document);
        }
    }
}
