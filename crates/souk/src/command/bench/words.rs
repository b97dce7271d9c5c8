//! Words to write listings with, and to look for.

use super::random::{Sequence, Zipf};

const BEGINNINGS: [&str; 24] = [
    "lo", "da", "ser", "mi", "pro", "que", "ta", "vi", "con", "re", "fil", "gra", "ma", "no", "pi", "sto", "tra", "un",
    "ve", "wi", "ex", "bo", "cra", "fu",
];
const MIDDLES: [&str; 16] =
    ["ri", "ta", "le", "mo", "ne", "ca", "du", "fi", "go", "po", "si", "tu", "va", "ber", "lin", "men"];
const ENDS: [&str; 12] = ["n", "ter", "x", "ma", "ro", "sh", "ck", "ly", "nt", "ra", "ss", "d"];
const CATEGORIES: [&str; 12] = [
    "automation",
    "coding",
    "communication",
    "data",
    "design",
    "documents",
    "finance",
    "marketing",
    "observability",
    "productivity",
    "sales",
    "security",
];

/// The most frequent words of a language say nothing, and no search index holds them.
const STOP_WORDS: usize = 30;

/// About 4,600 words, used as often as words are: by Zipf's law.
pub struct Words {
    words: Vec<String>,
    frequency: Zipf,
}

impl Words {
    /// The same words every time.
    pub fn new() -> Self {
        let mut words = Vec::new();
        for begin in BEGINNINGS {
            for middle in MIDDLES {
                words.extend(ENDS.map(|end| format!("{begin}{middle}{end}")));
            }
        }
        let mut random = Sequence::new(42);
        // So that frequent words do not all begin alike.
        for index in (1..words.len()).rev() {
            words.swap(index, random.below(index + 1));
        }
        let frequency = Zipf::without(STOP_WORDS, words.len());
        Self { words, frequency }
    }

    fn word(&self, random: &mut Sequence) -> &str {
        &self.words[self.frequency.draw(random)]
    }

    /// Two or three words, capitalized.
    pub fn title(&self, random: &mut Sequence) -> String {
        let count = 2 + random.below(2);
        let words = (0..count).map(|_| {
            let word = self.word(random);
            word[..1].to_uppercase() + &word[1..]
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// A sentence of `length` words.
    pub fn sentence(&self, random: &mut Sequence, length: usize) -> String {
        (0..length).map(|_| self.word(random)).collect::<Vec<_>>().join(" ") + "."
    }

    /// One of twelve.
    pub fn category(&self, random: &mut Sequence) -> &'static str {
        CATEGORIES[random.below(CATEGORIES.len())]
    }

    /// Three different ones.
    pub fn tags(&self, random: &mut Sequence) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        while tags.len() < 3 {
            let word = self.word(random);
            if tags.iter().all(|tag| tag != word) {
                tags.push(word.to_owned());
            }
        }
        tags
    }
}
