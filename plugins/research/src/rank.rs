//! Which passages speak about a query: Okapi BM25 over the passages of all pages.

use std::collections::BTreeSet;

use crate::{
    outline::{Block, Content, Page},
    text,
};

/// How soon more of the same word counts no more.
const K1: f64 = 1.2;
/// How much long passages are held back.
const B: f64 = 0.75;
/// Characters of a passage; longer paragraphs are cut between sentences.
const LONGEST: usize = 1_200;
/// Characters of a piece of code that are shown.
const LONGEST_CODE: usize = 4_000;
/// With fewer words it is a label and no passage.
const FEWEST_WORDS: usize = 4;

/// A part of a page.
pub(crate) struct Passage<'a> {
    /// Which page, counted in their order.
    pub(crate) page: usize,
    pub(crate) block: &'a Block,
    /// Its text or its code, as it is in the page.
    pub(crate) text: String,
    pub(crate) score: f64,
    /// How often each word of the query is in it, and its heading.
    counts: Vec<u32>,
    length: usize,
}

impl Passage<'_> {
    pub(crate) fn is_code(&self) -> bool {
        matches!(self.block.content, Content::Code { .. })
    }

    pub(crate) fn words(&self) -> BTreeSet<String> {
        text::set(&self.text)
    }
}

/// All passages, best first.
pub(crate) struct Ranking<'a> {
    /// Those that have a word of the query.
    pub(crate) passages: Vec<Passage<'a>>,
    query: &'a [String],
    /// How rare each word of the query is.
    rarity: Vec<f64>,
}

impl<'a> Ranking<'a> {
    /// Ranks the passages of `pages`, whose order decides between equals.
    pub(crate) fn of(pages: &'a [Page], query: &'a [String]) -> Self {
        let mut passages = Vec::new();
        for (index, page) in pages.iter().enumerate() {
            let mut before = "";
            for block in &page.blocks {
                add(&mut passages, index, block, before, query);
                if let Content::Text(text) = &block.content {
                    before = text;
                }
            }
        }
        let count = passages.len() as f64;
        let average = passages.iter().map(|passage| passage.length).sum::<usize>() as f64 / count.max(1.0);
        let rarity: Vec<f64> = (0..query.len())
            .map(|word| {
                let with =
                    passages.iter().filter(|it| it.counts.get(word).is_some_and(|count| *count > 0)).count() as f64;
                (1.0 + (count - with + 0.5) / (with + 0.5)).ln()
            })
            .collect();
        for passage in &mut passages {
            let held_back = K1 * (1.0 - B + B * passage.length as f64 / average.max(1.0));
            let each = passage.counts.iter().zip(&rarity).map(|(count, rarity)| {
                let count = f64::from(*count);
                rarity * count * (K1 + 1.0) / (count + held_back)
            });
            passage.score = each.sum();
        }
        passages.retain(|passage| passage.score > 0.0);
        // The sort is stable: equals stay in the order of pages.
        passages.sort_by(|one, other| other.score.total_cmp(&one.score));
        Self { passages, query, rarity }
    }

    /// The sentence of a text that has the rarest words of the query, the first of equals; and how much that is.
    pub(crate) fn best_sentence<'t>(&self, text: &'t str) -> Option<(&'t str, f64)> {
        let mut best: Option<(&str, f64)> = None;
        for sentence in text::sentences(text) {
            let words: BTreeSet<String> = text::words(sentence).into_iter().collect();
            let here = self.query.iter().zip(&self.rarity).filter(|(word, _)| words.contains(*word));
            let score = here.map(|(_, rarity)| rarity).sum();
            if best.is_none_or(|(_, known)| score > known) {
                best = Some((sentence, score));
            }
        }
        best
    }
}

/// Code is found by what is said before it as well.
fn add<'a>(passages: &mut Vec<Passage<'a>>, page: usize, block: &'a Block, before: &str, query: &[String]) {
    let heading = block.heading.as_deref().unwrap_or_default();
    let mut push = |text: &str, around: &[&str]| {
        let (mut counts, mut length) = (vec![0_u32; query.len()], 0);
        for word in around.iter().chain([&text]).flat_map(|text| text::words(text)) {
            length += 1;
            for (count, wanted) in counts.iter_mut().zip(query) {
                *count += u32::from(*wanted == word);
            }
        }
        passages.push(Passage { page, block, text: text.to_owned(), score: 0.0, counts, length });
    };
    match &block.content {
        Content::Code { code, .. } => push(text::cut(code, LONGEST_CODE), &[heading, before]),
        Content::Text(text) => {
            for part in parts(text) {
                if text::words(part).len() >= FEWEST_WORDS {
                    push(part, &[heading]);
                }
            }
        }
    }
}

/// A paragraph, or pieces of it that end with sentences.
fn parts(paragraph: &str) -> Vec<&str> {
    if paragraph.chars().count() <= LONGEST {
        return vec![paragraph];
    }
    let mut parts: Vec<&str> = Vec::new();
    let (mut start, mut end) = (0, 0);
    for sentence in text::sentences(paragraph) {
        // A sentence is a part of the paragraph behind the ones before it.
        let Some(at) = paragraph.get(end..).and_then(|rest| rest.find(sentence)).map(|at| end + at) else { continue };
        let next = at + sentence.len();
        if end > start && next - start > LONGEST {
            parts.extend(paragraph.get(start..end).map(str::trim));
            start = at;
        }
        end = next;
    }
    parts.extend(paragraph.get(start..end).map(str::trim));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outline::Origin;

    fn page(name: &str, texts: &[&str]) -> Page {
        let block = |text: &&str| Block { heading: None, anchor: None, content: Content::Text((*text).to_owned()) };
        Page {
            origin: Origin::Document(name.into()),
            requested: None,
            title: None,
            blocks: texts.iter().map(block).collect(),
        }
    }

    #[test]
    fn rare_words_and_short_passages_count_more() {
        let pages = [page(
            "a",
            &[
                "The cache is a place for pages.",
                "The cache expires after a timeout of its entries.",
                "The cache expires after a timeout of its entries, and much more can be said about entries of all sorts here.",
                "Nothing of the sort is here.",
            ],
        )];
        let query = vec!["cache".to_owned(), "timeout".to_owned()];
        let ranking = Ranking::of(&pages, &query);
        let beginnings: Vec<_> = ranking.passages.iter().map(|passage| passage.text.len()).collect();
        assert_eq!(beginnings, [49, 108, 31]);
    }

    #[test]
    fn long_paragraphs_are_cut_between_sentences() {
        let sentence = format!("{} end.", "Word ".repeat(99).trim());
        let long = [sentence.as_str(); 6].join(" ");
        let parts = parts(&long);
        assert!(
            parts.len() > 2
                && parts.iter().all(|part| part.len() <= LONGEST && long.contains(part) && part.ends_with("end."))
        );
        assert_eq!(parts.join(" "), long);
    }
}
