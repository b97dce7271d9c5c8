//! Words, the stems that group them, and where each group is found.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
    sync::Arc,
};

use roaring::RoaringBitmap;
use rust_stemmers::{Algorithm, Stemmer};

/// A word as it was written, but for case and accents.
pub struct Word {
    pub text: Arc<str>,
    /// Its stem.
    pub group: u32,
    /// How often it stands in names, tags and categories: how likely it is what somebody meant.
    pub uses: u32,
    /// How many letters it has, capped.
    pub length: u8,
    /// A bit for each letter that it has, to tell quickly which words cannot be near each other.
    pub letters: u32,
}

/// All words with one stem. They are found together, so places are kept once a group.
#[derive(Default)]
pub struct Group {
    /// Which places have one of the words anywhere.
    pub places: RoaringBitmap,
    /// Where they are in a head, and how often; in order of places.
    pub heads: Vec<InHead>,
    /// The words, to find them again in a head.
    pub words: Vec<u32>,
}

/// How often a group's words stand in a head, capped.
#[derive(Clone, Copy)]
pub struct InHead {
    pub place: u32,
    /// In names, tags and category.
    pub title: u8,
    /// In the summary.
    pub summary: u8,
}

/// Every word there is.
pub struct Vocabulary {
    pub words: Vec<Word>,
    pub groups: Vec<Group>,
    ids: HashMap<Arc<str>, u32>,
    /// For words that begin alike.
    ordered: BTreeMap<Arc<str>, u32>,
    stems: HashMap<Box<str>, u32>,
    stemmer: Stemmer,
}

impl Default for Vocabulary {
    fn default() -> Self {
        Self {
            words: Vec::new(),
            groups: Vec::new(),
            ids: HashMap::new(),
            ordered: BTreeMap::new(),
            stems: HashMap::new(),
            stemmer: Stemmer::create(Algorithm::English),
        }
    }
}

impl Vocabulary {
    /// The word `text`, which is new if it was never seen.
    pub fn word(&mut self, text: &str) -> u32 {
        if let Some(&word) = self.ids.get(text) {
            return word;
        }
        let group = self.group_of(text);
        let word = id(self.words.len());
        let shared: Arc<str> = text.into();
        let length = u8::try_from(text.chars().count()).unwrap_or(u8::MAX);
        self.words.push(Word { text: Arc::clone(&shared), group, uses: 0, length, letters: letters(text) });
        self.groups[group as usize].words.push(word);
        self.ordered.insert(Arc::clone(&shared), word);
        self.ids.insert(shared, word);
        word
    }

    fn group_of(&mut self, text: &str) -> u32 {
        let stem = self.stemmer.stem(text);
        if let Some(&group) = self.stems.get(stem.as_ref()) {
            return group;
        }
        let group = id(self.groups.len());
        self.stems.insert(stem.into(), group);
        self.groups.push(Group::default());
        group
    }

    /// The group of the words with the stem of `text`; none when there are no such words.
    pub fn group(&self, text: &str) -> Option<u32> {
        self.stems.get(self.stemmer.stem(text).as_ref()).copied()
    }

    /// The groups of the words that begin with `text`, each once, in order.
    pub fn beginning(&self, text: &str) -> Vec<u32> {
        let from = (Bound::Included(text), Bound::Unbounded);
        let words = self.ordered.range::<str, _>(from).take_while(|(word, _)| word.starts_with(text));
        let mut groups: Vec<u32> = words.map(|(_, word)| self.words[*word as usize].group).collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }
}

/// Which of 32 letters, digits folded upon them, `text` has.
pub fn letters(text: &str) -> u32 {
    text.bytes().fold(0, |bits, byte| bits | 1 << (byte & 31))
}

/// A number that is an index. Words, groups and places stay far below 2^32: each takes tens of bytes at least.
pub fn id(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
