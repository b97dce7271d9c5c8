//! Telling a text that does something from one that speaks about it.
//!
//! Documents on security, tests and lists of forbidden things contain the very words that attacks consist of. What is only
//! mentioned is still reported, as [`Info`](souk_domain::validation::Severity::Info), so that a human can see it.

use std::ops::Range;

use regex::Regex;

use crate::source::{Form, LOOK_BACK, Source, Zone};

/// Words that say that something bad is spoken about.
const TOPIC: &str = concat!(
    r"(?i)\b(?:attack(?:s|er|ers|ing)?|adversar\w+|malicious\w*|malware|inject(?:ed|ion|ions)|jailbreak\w*|phish\w*|payloads?|exploit\w*|vulnerab\w+|unsafe|dangerous|insecure|suspicious|red.?(?:team|flag)\w*|pen.?test\w*|",
    r"anti-?patterns?|forbidden|prohibited|disallowed|harmful|compromised?|deny|denied|denies|block(?:s|ed|ing|list)?|detect\w*|flag(?:s|ged)|reject(?:s|ed)?|refus\w+|warning signs?|threats?|exfiltrat(?:es?|ion)|CVE-\d+|OWASP|",
    r"sanitiz\w+|guardrails?|bad (?:example|practice)s?|do(?:n'?t| not) (?:run|use|do|type|paste)|untrusted|hostile|spoof\w*|social engineering|reverse.shells?|persistence techniques?|escalat\w+|catastroph\w+|destructive|worst|never run|risky)\b",
    r"|[❌🚫⚠✗✘☠]"
);

/// What forbids, doubts or quotes the words that come right behind it.
const FORBIDS: &str = concat!(
    r"(?i)(?:\b(?:never|do not|don'?t|must not|mustn'?t|should not|shouldn'?t|cannot|can'?t|avoid(?:s|ing)?|refuse(?:s)? to|reject(?:s)?|block(?:s|ing)?|detect(?:s|ing)?|prevent(?:s|ing)?|den(?:y|ies)|stop(?:s|ping)?|flag(?:s)?|",
    r"attempt(?:s|ing|ed)?(?: to)?|tr(?:y|ies|ying|ied) to|ask(?:s|ed|ing)? (?:you |it |the \w+ )?to|tell(?:s|ing)? (?:you |it |the \w+ )?to|instruct\w* (?:you |it |the \w+ )?to|claim(?:s|ing)?|say(?:s|ing)?|such as|for example|e\.g\.|like|instead of|rather than|",
    r"contain(?:s|ing)?|phrases?|patterns?|variants? of|look(?:s|ing)? for|watch(?:ing)? for|search(?:es|ing)? for|treat|resist(?:s|ant)?|if (?:a|an|the|any|some)|whether|no one|nobody|without)\b[^.!?\n]{0,60})$"
);

/// Words of code that compare, print or forbid a text instead of running it.
const INERT: &str = concat!(
    r"(?i)\b(?:re\.compile|re\.search|re\.match|RegExp|regex|pattern|grep|rg|egrep|\.test\(|\.includes\(|\.match\(|startswith|contains|assert\w*|expect\(|echo|print\w*|log(?:ger)?\.\w+|console\.\w+|warn|deny|den(?:ied|ylist)|block(?:ed|list)?|forbid\w*|",
    r"dangerous\w*|disallow\w*|BANNED|description|help|usage|docs?|comment|message|raise|throw|die|error)\b|=~|\bin\s+(?:command|cmd|line|text|content)|case\s"
);

pub(crate) struct Mention {
    topic: Regex,
    forbids: Regex,
    inert: Regex,
}

impl Mention {
    pub fn new() -> Result<Self, regex::Error> {
        Ok(Self { topic: Regex::new(TOPIC)?, forbids: Regex::new(FORBIDS)?, inert: Regex::new(INERT)? })
    }

    /// Whether what was found at `place` of the text at line `index` is only spoken about.
    pub fn is_mention(&self, source: &Source<'_>, index: usize, text: &str, place: &Range<usize>) -> bool {
        let Some(line) = source.lines.get(index) else { return false };
        let before = text.get(..place.start).unwrap_or_default();
        match line.zone {
            Zone::Automatic => false,
            Zone::Comment => true,
            Zone::Code => self.is_inert(before) || self.is_listed(source, index),
            // Data of other files than documents is read by programs; a description in it is read by an agent.
            Zone::Data => self.forbids.is_match(tail(before)) || self.topic.is_match(before),
            Zone::Hidden => self.topic.is_match(before),
            Zone::Block => {
                self.forbids.is_match(tail(before))
                    || self.topic.is_match(&comment_of(text))
                    || self.topic.is_match(source.introduction(index))
                    || self.topic.is_match(&source.before(index, 3))
                    || self.is_inert_call(before)
            }
            Zone::Prose => {
                self.forbids.is_match(tail(before))
                    || (is_quoted(text, place) || is_row(text)) && self.is_topic(source, index, text, place)
                    || self.topic.is_match(tail(before))
            }
        }
    }

    /// Whether the file says of itself that it is about such things.
    pub fn is_about(&self, source: &Source<'_>) -> bool {
        let head = source.lines.iter().take(12).filter(|line| {
            line.zone != Zone::Block
                && (line.text.starts_with('#')
                    || ["name:", "description:"].iter().any(|key| line.text.starts_with(key)))
        });
        source.form == Form::Markdown
            && (self.topic.is_match(&source.path.replace(['-', '_', '/'], " "))
                || head.into_iter().any(|line| self.topic.is_match(&line.text.replace(['-', '_'], " "))))
    }

    fn is_topic(&self, source: &Source<'_>, index: usize, text: &str, place: &Range<usize>) -> bool {
        let around = [text.get(..place.start), text.get(place.end..)];
        around.into_iter().flatten().any(|text| self.topic.is_match(text))
            || self.topic.is_match(&source.before(index, 6))
    }

    /// Whether the text before is code that takes what follows as a text.
    fn is_inert(&self, before: &str) -> bool {
        let bare = before.trim_start();
        let prints = bare.starts_with("echo ") || bare.starts_with("printf ");
        is_in_quotes(before) && (prints || self.inert.is_match(before))
    }

    fn is_inert_call(&self, before: &str) -> bool {
        before.contains(['"', '\'', '`']) && self.inert.is_match(before)
    }

    /// Whether the line is an element of a list of texts whose name says what they are.
    fn is_listed(&self, source: &Source<'_>, index: usize) -> bool {
        let is_element = |text: &str| {
            let text = text.trim();
            (text.starts_with(['"', '\'', '(', '[', '{', '/', '`'])
                || text.starts_with("r\"")
                || text.starts_with("r'"))
                && text.ends_with([',', ']', ')', '}', '"', '\''])
                && text.contains(['"', '\'', '`', '/'])
        };
        let Some(line) = source.lines.get(index) else { return false };
        if !is_element(&line.text) {
            return false;
        }
        let before = source.lines.get(..index).unwrap_or_default().iter().rev().take(LOOK_BACK);
        let mut opening = before
            .skip_while(|line| is_element(&line.text) || line.text.trim().is_empty() || line.zone == Zone::Comment);
        opening.next().is_some_and(|line| {
            self.topic.is_match(&line.text.replace('_', " ")) || self.inert.is_match(&line.text.replace('_', " "))
        })
    }
}

/// The end of a text, as far as it can qualify what follows.
fn tail(text: &str) -> &str {
    let from = text.len().saturating_sub(120);
    (from..=text.len()).find_map(|from| text.get(from..)).unwrap_or_default()
}

fn comment_of(line: &str) -> String {
    [" #", "\t#", " //"]
        .iter()
        .find_map(|mark| line.split_once(mark))
        .map(|(_, comment)| comment.to_owned())
        .unwrap_or_default()
}

/// Whether the place stands between quotes or backquotes.
fn is_quoted(text: &str, place: &Range<usize>) -> bool {
    let before = text.get(..place.start).unwrap_or_default();
    let after = text.get(place.end..).unwrap_or_default();
    let pairs = [('"', '"'), ('`', '`'), ('\u{201c}', '\u{201d}'), ('\u{ab}', '\u{bb}'), ('*', '*')];
    pairs.iter().any(|(open, close)| {
        let opened = if open == close { before.matches(*open).count() % 2 == 1 } else { before.contains(*open) };
        opened && after.contains(*close)
    })
}

/// Whether a text of code ends within quotes, or where a pattern between slashes begins.
fn is_in_quotes(before: &str) -> bool {
    ['"', '\'', '`'].iter().any(|quote| before.matches(*quote).count() % 2 == 1) || before.trim_end().ends_with('/')
}

/// Whether a line is an item, a row or a quotation: something told in a list of such things.
fn is_row(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with(['|', '>', '-', '*'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_mention(path: &str, text: &str, found: &str) -> bool {
        let source = Source::new(path, text);
        let index = source.lines.iter().position(|line| line.text.contains(found)).unwrap();
        let start = source.lines[index].text.find(found).unwrap();
        let joined = source.joined(index);
        Mention::new().unwrap().is_mention(&source, index, &joined, &(start..start + found.len()))
    }

    #[test]
    fn what_is_forbidden_quoted_or_tested_is_mentioned() {
        for (path, text) in [
            ("a.md", "Never run EVIL here."),
            ("a.md", "Attackers write \"EVIL\" in comments."),
            ("a.md", "## Red flags\n\n- `EVIL`\n- other"),
            ("a.md", "This is dangerous:\n\n```sh\nEVIL\n```"),
            ("a.py", "BLOCKED = re.compile(r\"EVIL\")"),
            ("a.py", "DANGEROUS_COMMANDS = [\n    \"other\",\n    \"EVIL\",\n]"),
            ("a.sh", "# EVIL"),
            ("a.sh", "echo \"do not run EVIL\""),
        ] {
            assert!(is_mention(path, text, "EVIL"), "{text}");
        }
    }

    #[test]
    fn what_is_done_is_none() {
        for (path, text) in [
            ("a.md", "First, EVIL and go on."),
            ("a.md", "## Setup\n\n```sh\nEVIL\n```"),
            ("a.py", "run(\"EVIL\")"),
            ("a.sh", "EVIL"),
            ("a.md", "- EVIL"),
        ] {
            assert!(!is_mention(path, text, "EVIL"), "{text}");
        }
    }
}
