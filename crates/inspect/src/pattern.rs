//! Matching many patterns: a look for fixed words first, and only where one of its words is, the pattern itself.

use std::{collections::BTreeSet, ops::Range};

use aho_corasick::{AhoCorasick, BuildError};
use regex::Regex;

/// What breaks a rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pattern {
    /// The rule's id.
    pub rule: &'static str,
    /// Words in lower case, one of which is in every match.
    pub words: &'static [&'static str],
    /// What is looked for; letters of either case.
    pub find: &'static str,
    /// What makes a line harmless, whatever was found in it; empty for nothing.
    pub unless: &'static str,
}

/// A table of patterns, ready to be used.
pub(crate) struct Patterns {
    words: AhoCorasick,
    /// Which pattern a word belongs to.
    owner: Vec<usize>,
    patterns: Vec<Compiled>,
}

struct Compiled {
    rule: &'static str,
    find: Regex,
    unless: Option<Regex>,
}

/// Why a table cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Invalid {
    #[error("the pattern of {0} is none: {1}")]
    Pattern(&'static str, regex::Error),
    #[error("the words cannot be looked for: {0}")]
    Words(#[from] BuildError),
}

impl Patterns {
    pub fn new(table: &[Pattern]) -> Result<Self, Invalid> {
        let compile = |pattern: &Pattern, text: &str| {
            Regex::new(&format!("(?i){text}")).map_err(|error| Invalid::Pattern(pattern.rule, error))
        };
        let mut patterns = Vec::with_capacity(table.len());
        let mut owner = Vec::new();
        let mut words = Vec::new();
        for (index, pattern) in table.iter().enumerate() {
            let unless = match pattern.unless {
                "" => None,
                text => Some(compile(pattern, text)?),
            };
            patterns.push(Compiled { rule: pattern.rule, find: compile(pattern, pattern.find)?, unless });
            for word in pattern.words {
                owner.push(index);
                words.push(*word);
            }
        }
        let words = AhoCorasick::builder().ascii_case_insensitive(true).build(words)?;
        Ok(Self { words, owner, patterns })
    }

    /// Rules broken in `text` by something that begins within its first `within` bytes, each once, and where.
    pub fn find(&self, text: &str, within: usize) -> Vec<(&'static str, Range<usize>)> {
        let hit: BTreeSet<usize> = self
            .words
            .find_overlapping_iter(text)
            .filter_map(|word| self.owner.get(word.pattern().as_usize()).copied())
            .collect();
        let mut found: Vec<(&'static str, Range<usize>)> = Vec::new();
        for pattern in hit.into_iter().filter_map(|index| self.patterns.get(index)) {
            let Some(place) = pattern.find.find(text) else { continue };
            let harmless = pattern.unless.as_ref().is_some_and(|unless| unless.is_match(text));
            if place.start() <= within && !harmless && found.iter().all(|(rule, _)| *rule != pattern.rule) {
                found.push((pattern.rule, place.range()));
            }
        }
        found
    }
}
