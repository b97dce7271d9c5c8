//! Markdown, as far as blocks go: what is inline stays as it is written, so that a quotation is found in its source.

use crate::outline::Outline;

pub(crate) fn read(text: &str) -> Outline {
    let mut reader = Reader::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for line in without_head(text).lines() {
        reader.line(line);
    }
    reader.end();
    reader.outline
}

/// The text behind a block of fields at its head.
fn without_head(text: &str) -> &str {
    let Some(rest) = text.strip_prefix("---\n") else { return text };
    rest.split_once("\n---\n").map_or(text, |(_, body)| body)
}

#[derive(Default)]
struct Reader {
    outline: Outline,
    paragraph: String,
    fence: Option<Fence>,
    indented: String,
}

struct Fence {
    mark: char,
    length: usize,
    language: Option<String>,
    code: String,
}

impl Reader {
    fn line(&mut self, line: &str) {
        if let Some(fence) = &mut self.fence {
            if closes(line, fence) {
                self.end();
            } else {
                fence.code.push_str(line);
                fence.code.push('\n');
            }
            return;
        }
        if self.paragraph.is_empty() && (line.starts_with("    ") || line.starts_with('\t')) && !line.trim().is_empty()
        {
            self.indented.push_str(line.strip_prefix("    ").or(line.strip_prefix('\t')).unwrap_or(line));
            self.indented.push('\n');
            return;
        }
        self.end_code();
        let trimmed = line.trim();
        if let Some(fence) = opens(trimmed) {
            self.end();
            self.fence = Some(fence);
        } else if trimmed.is_empty() {
            self.end();
        } else if let Some(heading) = heading(trimmed) {
            self.end();
            self.outline.heading(heading, None);
        } else if !self.paragraph.is_empty() && is_underline(trimmed) {
            let heading = std::mem::take(&mut self.paragraph);
            self.outline.heading(&heading, None);
        } else if let Some(quoted) = trimmed.strip_prefix('>') {
            self.end();
            self.outline.text(quoted);
        } else {
            let item = item(trimmed);
            if item.is_some() {
                self.end();
            }
            self.paragraph.push_str(item.unwrap_or(trimmed));
            self.paragraph.push('\n');
        }
    }

    fn end_code(&mut self) {
        let code = std::mem::take(&mut self.indented);
        self.outline.code(None, &code);
    }

    fn end(&mut self) {
        self.end_code();
        if let Some(fence) = self.fence.take() {
            self.outline.code(fence.language, &fence.code);
        }
        let paragraph = std::mem::take(&mut self.paragraph);
        if !is_rule(paragraph.trim()) {
            self.outline.text(&paragraph);
        }
    }
}

fn opens(line: &str) -> Option<Fence> {
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = line.chars().take_while(|c| *c == mark).count();
    let info = line.trim_start_matches(mark).trim();
    if length < 3 || (mark == '`' && info.contains('`')) {
        return None;
    }
    let language = info.split([' ', ',', '{']).next().filter(|language| !language.is_empty()).map(str::to_owned);
    Some(Fence { mark, length, language, code: String::new() })
}

fn closes(line: &str, fence: &Fence) -> bool {
    let line = line.trim();
    line.chars().count() >= fence.length && line.chars().all(|c| c == fence.mark)
}

fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    ((1..=6).contains(&level) && text.starts_with(' ')).then(|| text.trim().trim_end_matches('#').trim())
}

fn is_underline(line: &str) -> bool {
    line.len() >= 2 && (line.chars().all(|c| c == '=') || line.chars().all(|c| c == '-'))
}

fn is_rule(line: &str) -> bool {
    line.len() >= 3
        && ["-", "*", "_", "="].iter().any(|mark| line.replace(' ', "").trim_matches(|c| mark.contains(c)).is_empty())
}

/// The text of an item of a list.
fn item(line: &str) -> Option<&str> {
    if let Some(rest) = ["- ", "* ", "+ "].iter().find_map(|mark| line.strip_prefix(mark)) {
        return Some(rest.trim_start());
    }
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    (rest.len() < line.len()).then(|| rest.strip_prefix(". ").or(rest.strip_prefix(") "))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outline::Content;

    #[test]
    fn blocks_are_found() {
        let page = "---\nname: x\n---\n# One #\nA *b*\nc.\n\n- first\n  more\n- second\n\nTwo\n---\n> said\n\n```rust,ignore\nlet a = 1;\n\n```\n\n    indented\n\n~~~\nx\n```\n~~~\n***\n1. last";
        let outline = read(page);
        let shown: Vec<_> = outline
            .blocks
            .iter()
            .map(|block| match &block.content {
                Content::Text(text) => format!("{}: {text}", block.heading.as_deref().unwrap_or_default()),
                Content::Code { language, code } => format!("{language:?} {code:?}"),
            })
            .collect();
        assert_eq!(
            shown,
            [
                "One: A *b* c.",
                "One: first more",
                "One: second",
                "Two: said",
                "Some(\"rust\") \"let a = 1;\"",
                "None \"indented\"",
                "None \"x\\n```\"",
                "Two: last"
            ]
        );
        assert_eq!(outline.title.as_deref(), Some("One"));
    }

    #[test]
    fn a_fence_that_does_not_end_ends_with_the_page() {
        assert_eq!(read("```\na\nb").blocks.len(), 1);
        assert!(read("").blocks.is_empty() && read("---").blocks.is_empty());
    }
}
