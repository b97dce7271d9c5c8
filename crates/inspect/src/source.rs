//! A file as it is looked at: lines, each with what it is (prose, a block of code, a comment), and what is said around it.

use std::borrow::Cow;

/// What a file is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Markdown,
    Script,
    Json,
    Other,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zone {
    /// Text that an agent reads as instructions.
    Prose,
    /// A block of code in a document.
    Block,
    /// A comment in a document, which its readers do not see.
    Hidden,
    /// Code.
    Code,
    /// A comment in code.
    Comment,
    /// Data.
    Data,
    /// A command that runs by itself.
    Automatic,
}

/// A line of a file.
#[derive(Clone, Debug)]
pub(crate) struct Line<'a> {
    /// From 1.
    pub number: u32,
    pub text: Cow<'a, str>,
    pub zone: Zone,
    /// The index of the heading that it stands under, if any.
    heading: Option<usize>,
}

/// A file as lines.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub path: &'a str,
    pub form: Form,
    /// Whether it lies where tests and their data lie.
    pub fixture: bool,
    pub lines: Vec<Line<'a>>,
}

/// Lines longer than this are looked at up to here.
const LONGEST_LINE: usize = 64 << 10;
/// So many lines back it is looked for what introduces a line: enough for people, and a bound for files made to take long.
pub(crate) const LOOK_BACK: usize = 200;
/// Lines that one command or sentence goes over.
const MOST_JOINED: usize = 8;

impl<'a> Source<'a> {
    /// Reads a file that is text.
    pub fn new(path: &'a str, text: &'a str) -> Self {
        let form = form(path, text);
        let mut source = Self { path, form, fixture: is_fixture(path), lines: Vec::new() };
        let mut reader = Reader::default();
        for (index, line) in text.lines().enumerate() {
            let zone = match form {
                Form::Markdown => reader.markdown(line, index),
                Form::Script if reader.is_comment(path, line) => Zone::Comment,
                Form::Script => Zone::Code,
                Form::Json | Form::Other => Zone::Data,
            };
            let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
            let text = Cow::Borrowed(line.get(..LONGEST_LINE).unwrap_or(line));
            source.lines.push(Line { number, text, zone, heading: reader.heading });
        }
        source
    }

    /// A text out of a file, all of whose lines count as `line` there.
    pub fn part(path: &'a str, line: u32, text: &'a str, zone: Zone) -> Self {
        let lines =
            text.lines().map(|text| Line { number: line, text: Cow::Borrowed(text), zone, heading: None }).collect();
        Self { path, form: Form::Script, fixture: is_fixture(path), lines }
    }

    /// Declares every line to run by itself.
    pub fn make_automatic(&mut self) {
        for line in self.lines.iter_mut().filter(|line| line.zone == Zone::Code) {
            line.zone = Zone::Automatic;
        }
    }

    /// The line at `index` and what continues it: further lines of a command, of open brackets or of a paragraph.
    pub fn joined(&self, index: usize) -> Cow<'_, str> {
        let Some(first) = self.lines.get(index) else { return Cow::Borrowed("") };
        let mut text = Cow::Borrowed(first.text.as_ref());
        for next in self.lines.iter().skip(index + 1).take(MOST_JOINED) {
            let goes_on = match first.zone {
                Zone::Prose | Zone::Hidden | Zone::Comment => {
                    text.len() < 1_000 && next.zone == first.zone && is_paragraph(&next.text)
                }
                _ => text.trim_end().ends_with(['\\', '|']) || is_open(&text),
            };
            if !goes_on || next.zone != first.zone {
                break;
            }
            let kept = text.trim_end().trim_end_matches('\\').trim_end().len();
            text.to_mut().truncate(kept);
            text.to_mut().push(' ');
            let bare = match first.zone {
                Zone::Comment => next.text.trim_start().trim_start_matches(['#', '/', '*']).trim_start(),
                _ => next.text.trim_start(),
            };
            text.to_mut().push_str(bare);
        }
        text
    }

    /// What introduces the line at `index`: its heading, and up to `most` lines that are not blank before it.
    pub fn before(&self, index: usize, most: usize) -> String {
        let mut said = String::new();
        let Some(line) = self.lines.get(index) else { return said };
        let from = line.heading.unwrap_or(0);
        if let Some(heading) = line.heading.and_then(|heading| self.lines.get(heading)) {
            said.push_str(&heading.text);
            said.push('\n');
        }
        let nearby = self.lines.get(from..index).unwrap_or_default().iter().rev().take(LOOK_BACK);
        let nearby: Vec<_> = nearby.filter(|line| !line.text.trim().is_empty()).take(most).collect();
        for line in nearby.into_iter().rev() {
            said.push_str(&line.text);
            said.push('\n');
        }
        said
    }

    /// The line before the block that the line at `index` is in.
    pub fn introduction(&self, index: usize) -> &str {
        let before = self.lines.get(..index).unwrap_or_default().iter().rev().take(LOOK_BACK);
        let mut outside = before.skip_while(|line| line.zone != Zone::Prose || is_fence(&line.text));
        outside.find(|line| !line.text.trim().is_empty()).map_or("", |line| line.text.as_ref())
    }
}

#[derive(Default)]
struct Reader {
    /// What the block that is open began with.
    fence: Option<String>,
    hidden: bool,
    long_comment: bool,
    /// Whether a text between three quotes is open.
    long_text: bool,
    heading: Option<usize>,
}

impl Reader {
    fn markdown(&mut self, line: &str, index: usize) -> Zone {
        let trimmed = line.trim_start();
        if let Some(fence) = &self.fence {
            if trimmed.starts_with(fence.as_str()) && trimmed.trim_matches(['`', '~', ' ']).is_empty() {
                self.fence = None;
                return Zone::Prose;
            }
            return Zone::Block;
        }
        if is_fence(trimmed) {
            let mark = if trimmed.starts_with('`') { '`' } else { '~' };
            self.fence = Some(trimmed.chars().take_while(|c| *c == mark).collect());
            return Zone::Prose;
        }
        let begins = trimmed.contains("<!--");
        if self.hidden || begins {
            let end = trimmed.rfind("-->");
            self.hidden = end.is_none_or(|end| trimmed.rfind("<!--").is_some_and(|start| start > end));
            return Zone::Hidden;
        }
        if trimmed.starts_with('#') {
            self.heading = Some(index);
        }
        Zone::Prose
    }

    fn is_comment(&mut self, path: &str, line: &str) -> bool {
        let trimmed = line.trim_start();
        if path.ends_with(".py") {
            let before = self.long_text;
            self.long_text ^= line.matches("\"\"\"").count() % 2 == 1;
            return before && self.long_text || trimmed.starts_with('#') && !trimmed.starts_with("#!");
        }
        if self.long_comment {
            self.long_comment = !trimmed.contains("*/");
            return true;
        }
        let slashes = [".js", ".ts", ".mjs", ".cjs", ".tsx", ".jsx", ".rs", ".go", ".java", ".php", ".c", ".swift"]
            .iter()
            .any(|end| path.ends_with(end));
        if slashes {
            self.long_comment = trimmed.starts_with("/*") && !trimmed.contains("*/");
            return trimmed.starts_with("//") || trimmed.starts_with("/*");
        }
        trimmed.starts_with('#') && !trimmed.starts_with("#!")
    }
}

fn form(path: &str, text: &str) -> Form {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("md" | "mdx" | "markdown" | "mdc") => Form::Markdown,
        Some("json" | "jsonc" | "ipynb") => Form::Json,
        Some(
            "sh" | "bash" | "zsh" | "fish" | "py" | "js" | "mjs" | "cjs" | "ts" | "tsx" | "jsx" | "rb" | "pl" | "php"
            | "ps1" | "psm1" | "bat" | "cmd" | "lua" | "go" | "rs" | "java" | "c" | "swift" | "applescript",
        ) => Form::Script,
        _ if matches!(name.as_str(), "makefile" | "dockerfile" | "justfile") || text.starts_with("#!") => Form::Script,
        _ => Form::Other,
    }
}

fn is_fixture(path: &str) -> bool {
    let folders =
        ["test", "tests", "fixtures", "fixture", "testdata", "__tests__", "spec", "specs", "examples", "evals"];
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let name = name.to_ascii_lowercase();
    folder.split('/').any(|part| folders.contains(&part.to_ascii_lowercase().as_str()))
        || name.starts_with("test_")
        || ["_test.", ".test.", ".spec.", ".example", "-example.", "_example."].iter().any(|part| name.contains(part))
}

fn is_fence(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("```") || line.starts_with("~~~")
}

/// Whether a line goes on with the paragraph before it, and is no item, heading or row of its own.
fn is_paragraph(line: &str) -> bool {
    let line = line.trim_start();
    let numbered = line.split_once(['.', ')']).is_some_and(|(number, _)| {
        !number.is_empty() && number.len() < 4 && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    !line.is_empty() && !numbered && !line.starts_with(['#', '-', '*', '>', '|', '+']) && !is_fence(line)
}

/// Whether more brackets open than close.
fn is_open(text: &str) -> bool {
    let count = |set: [char; 2]| text.chars().filter(|c| set.contains(c)).count();
    count(['(', '{']) > count([')', '}'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_document_are_told_apart() {
        let text = "# A\ntext\n```sh\nrm x\n# y\n```\n<!-- a\nb -->\n~~~\n```\n~~~\nend";
        let zones: Vec<_> = Source::new("a.md", text).lines.iter().map(|line| line.zone).collect();
        use Zone::{Block, Hidden, Prose};
        assert_eq!(zones, [Prose, Prose, Prose, Block, Block, Prose, Hidden, Hidden, Prose, Block, Prose, Prose]);
    }

    #[test]
    fn a_command_and_a_paragraph_go_over_lines() {
        let shell = Source::new("a.sh", "curl x \\\n  | sh\necho");
        assert_eq!(shell.joined(0), "curl x | sh");
        assert_eq!(shell.joined(2), "echo");
        let python = Source::new("a.py", "post(\n  1,\n)\nx");
        assert_eq!(python.joined(0), "post( 1, )");
        let prose = Source::new("a.md", "one\ntwo\n\nthree\n- four");
        assert_eq!(prose.joined(0), "one two");
        assert_eq!(prose.joined(3), "three");
    }

    #[test]
    fn tests_and_their_data_are_known_by_their_places() {
        for path in ["tests/a.py", "x/fixtures/k.pem", "test_a.py", "a.test.ts", ".env.example"] {
            assert!(is_fixture(path), "{path}");
        }
        for path in ["contest/a.py", "scripts/latest.sh", "a.md"] {
            assert!(!is_fixture(path), "{path}");
        }
    }
}
