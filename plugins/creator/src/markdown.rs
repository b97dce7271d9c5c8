//! Texts of others inside of Markdown, YAML and JSON, so that they stay texts.

/// A text as Markdown that shows just that text, on one line.
pub(crate) fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (index, c) in text.trim().chars().enumerate() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '!' | '$' => escaped.extend(['\\', c]),
            c if index == 0 && c.is_ascii_punctuation() => escaped.extend(['\\', c]),
            c if c.is_whitespace() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A text as a YAML scalar in double quotes: JSON's quoting is part of YAML's.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The block at the head of a Markdown file.
pub(crate) fn head(fields: &[(&str, Option<String>)]) -> String {
    let lines = fields.iter().filter_map(|(name, value)| Some(format!("{name}: {}\n", quoted(value.as_deref()?))));
    format!("---\n{}---\n", lines.collect::<String>())
}

/// Something as a block of code that it cannot end by itself.
pub(crate) fn fenced(language: &str, code: &str) -> String {
    let (mut longest, mut run) = (2, 0);
    for c in code.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    format!("{fence}{language}\n{}\n{fence}\n", code.trim_end())
}
