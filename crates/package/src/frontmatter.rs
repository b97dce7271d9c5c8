//! The YAML block at the head of a Markdown file.
//!
//! Only the scalars of the top level are read, event by event: anchors are never expanded, so that no document grows
//! when it is parsed.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser};

/// Bytes of a block; real ones have a few hundred.
const LARGEST: usize = 64 << 10;

/// What the head of a Markdown file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontmatter {
    fields: BTreeMap<String, Option<String>>,
    problem: Option<String>,
}

impl Frontmatter {
    /// The text of a field; none when it is missing, empty, a list or a mapping.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.as_deref().map(str::trim).filter(|text| !text.is_empty())
    }

    /// Whether the field is there, whatever it holds.
    pub fn has(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    /// Why the block is no YAML, with line and column; its fields were then read line by line, as lenient clients do.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }
}

/// Reads the block between `---` and `---` at the head of `markdown`; none when there is no such block.
pub fn read(markdown: &str) -> Option<Frontmatter> {
    let block = block(markdown)?;
    Some(parse(block).unwrap_or_else(|problem| Frontmatter { fields: line_by_line(block), problem: Some(problem) }))
}

fn block(markdown: &str) -> Option<&str> {
    let text = markdown.strip_prefix('\u{feff}').unwrap_or(markdown);
    let rest = text.strip_prefix("---")?;
    let (blank, rest) = rest.split_once('\n')?;
    if !blank.trim().is_empty() {
        return None;
    }
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if matches!(line.trim_end(), "---" | "...") {
            return rest.get(..at);
        }
        at += line.len();
        if at > LARGEST {
            return None;
        }
    }
    None
}

fn parse(block: &str) -> Result<Frontmatter, String> {
    let mut fields = BTreeMap::new();
    let mut depth = 0_usize;
    let mut key: Option<String> = None;
    for event in Parser::new_from_str(block) {
        let (event, _) = event.map_err(|error| error.to_string())?;
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                if depth == 0 && matches!(event, Event::SequenceStart(..)) {
                    return Err("the block is a list; it must be `field: value` lines".into());
                }
                depth += 1;
                if depth == 2 {
                    let Some(key) = key.take() else {
                        return Err("a field's name must be a plain text".into());
                    };
                    fields.insert(key, None);
                }
            }
            Event::MappingEnd | Event::SequenceEnd => depth -= 1,
            Event::Scalar(value, ..) if depth == 1 => match key.take() {
                None => key = Some(value.into_owned()),
                Some(key) => {
                    fields.insert(key, Some(value.into_owned()));
                }
            },
            Event::Scalar(..) if depth == 0 => {
                return Err("the block is a text; it must be `field: value` lines".into());
            }
            Event::Alias(_) if depth == 1 => {
                if let Some(key) = key.take() {
                    fields.insert(key, None);
                }
            }
            _ => {}
        }
    }
    Ok(Frontmatter { fields, problem: None })
}

fn line_by_line(block: &str) -> BTreeMap<String, Option<String>> {
    block
        .lines()
        .filter(|line| !line.starts_with([' ', '\t', '#', '-']))
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| {
            let value = value.trim().trim_matches(['"', '\'']);
            let plain = !matches!(value, "" | "|" | ">" | "|-" | ">-") && !value.starts_with(['[', '{', '*']);
            (key.trim().to_owned(), plain.then(|| value.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_of_the_top_level_are_read() {
        let read =
            read("---\nname: a-b\ndescription: >\n  two\n  lines\ntools: [x, y]\nmetadata:\n  name: inner\n---\n# T\n")
                .unwrap();
        assert_eq!(read.text("name"), Some("a-b"));
        assert_eq!(read.text("description"), Some("two lines"));
        assert!(read.has("tools") && read.text("tools").is_none());
        assert_eq!(read.problem(), None);
    }

    #[test]
    fn what_is_no_yaml_is_read_line_by_line_and_said() {
        let read = read("---\r\nname: x\r\ndescription: Use when: asked for \"this\"\r\n---\r\n").unwrap();
        assert_eq!(read.text("name"), Some("x"));
        assert_eq!(read.text("description"), Some("Use when: asked for \"this"));
        assert!(read.problem().is_some());
    }

    #[test]
    fn no_block_is_none() {
        for text in ["", "# T", "---", "---\nname: x", "--- x\nname: y\n---\n", "\n---\nname: x\n---\n"] {
            assert_eq!(read(text), None, "{text:?}");
        }
        assert!(read("---\n---\n").is_some(), "an empty block is a block");
    }

    #[test]
    fn aliases_do_not_grow() {
        let mut bomb = String::from("---\na: &a [x,x,x,x,x,x,x,x]\n");
        for (this, last) in ('b'..='z').zip('a'..) {
            bomb.push_str(&format!(
                "{this}: &{this} [*{last},*{last},*{last},*{last},*{last},*{last},*{last},*{last}]\n"
            ));
        }
        bomb.push_str("name: x\ndescription: *a\n---\n");
        let read = read(&bomb).unwrap();
        assert_eq!(read.text("name"), Some("x"));
        assert_eq!(read.text("description"), None);
    }

    #[test]
    fn hostile_blocks_do_not_panic() {
        for inner in
            ["[", "{{{", "- a", "text", "? [a]\n: b", "&", "*x", "a: !!binary x", "\u{0}", "a: b: c: d", "%YAML 9.9"]
        {
            let _ = read(&format!("---\n{inner}\n---\n"));
        }
        let _ = read(&format!("---\n{}\n---\n", "[".repeat(20_000)));
        let _ = read(&format!("---\n{}a\n---\n", "- ".repeat(20_000)));
    }
}
