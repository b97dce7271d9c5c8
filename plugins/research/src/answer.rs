//! The answer: what is shown of what was found, and where each piece is from.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    input::Input,
    outline::{Content, Page},
    rank::{Passage, Ranking},
    reliability::{COPY, Reliability, Said},
    text,
    trouble::Failed,
};

/// Sentences of a summary.
const MOST_SENTENCES: usize = 5;
/// Sentences that are so like say the same.
const SAME: f64 = 0.6;
/// Pieces of code.
const MOST_CODE: usize = 5;

/// What comes out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    query: String,
    /// Sentences of the sources, each with the number of its reference.
    summary: String,
    details: Vec<Detail>,
    code_examples: Vec<Code>,
    references: Vec<Reference>,
    sources: Vec<Source>,
    reliability: Reliability,
    errors: Vec<Failed>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    text: String,
    score: f64,
    /// Id of its reference.
    reference: usize,
    /// Other sources that say it in nearly the same words.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    also_in: BTreeSet<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Code {
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    code: String,
    /// The address or the name of the document.
    source: String,
    reference: usize,
}

/// A place, with words that are there.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    id: usize,
    #[serde(flatten)]
    place: Place,
    #[serde(skip_serializing_if = "Option::is_none")]
    heading: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    anchor: Option<String>,
    quote: String,
}

#[derive(Debug, Serialize)]
struct Place {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
}

/// A page that was read.
#[derive(Debug, Serialize)]
struct Source {
    #[serde(flatten)]
    place: Place,
    /// The address that was asked for, where a redirect led on.
    #[serde(skip_serializing_if = "Option::is_none")]
    requested: Option<String>,
}

impl Place {
    fn of(page: &Page) -> Self {
        Self {
            url: page.origin.url().map(str::to_owned),
            document: page.origin.document().map(str::to_owned),
            title: page.title.clone(),
        }
    }

    fn name(page: &Page) -> String {
        page.origin.url().or(page.origin.document()).unwrap_or_default().to_owned()
    }
}

impl Answer {
    /// The answer from `pages` in any order; `asked` is how many sources were named.
    pub(crate) fn of(input: &Input, mut pages: Vec<Page>, mut failed: Vec<Failed>, asked: usize) -> Self {
        pages.sort_by(|one, other| (&one.origin, &one.requested).cmp(&(&other.origin, &other.requested)));
        let read = pages.len();
        pages.dedup_by(|one, other| one.origin == other.origin);
        // Two sources that led to one page are one source.
        let asked = asked - (read - pages.len());
        failed.sort();
        let ranking = Ranking::of(&pages, &input.words);
        let mut references = Vec::new();
        let found = found(&ranking, input.max_results);
        let (mut details, mut summary, mut said) = (Vec::new(), Vec::new(), Vec::new());
        for (passage, also_in) in &found {
            let Some((sentence, score)) = ranking.best_sentence(&passage.text) else { continue };
            let reference = refer(&mut references, &pages, passage, sentence);
            if score > 0.0 && said.len() < MOST_SENTENCES && is_new(sentence, &said) {
                summary.push(format!("{sentence} [{reference}]"));
                said.push(Said { page: passage.page, text: sentence });
            }
            let also_in = also_in.iter().filter_map(|page| pages.get(*page)).map(Place::name).collect();
            details.push(Detail { text: passage.text.clone(), score: rounded(passage.score), reference, also_in });
        }
        let mut code_examples: Vec<Code> = Vec::new();
        for passage in ranking.passages.iter().filter(|passage| passage.is_code()) {
            let is_there = code_examples.iter().any(|known| known.code == passage.text);
            if code_examples.len() < MOST_CODE && !is_there {
                let first = passage.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
                let reference = refer(&mut references, &pages, passage, first.trim());
                code_examples.push(code(passage, &pages, reference));
            }
        }
        let texts: Vec<&str> = details.iter().map(|detail| detail.text.as_str()).collect();
        let reliability = Reliability::of(&pages, asked, &ranking, &input.words, &texts, &said);
        let sources = pages
            .iter()
            .map(|page| Source {
                place: Place::of(page),
                requested: page.requested.clone().filter(|requested| page.origin.url() != Some(requested)),
            })
            .collect();
        Self {
            query: input.query.clone(),
            summary: summary.join(" "),
            details,
            code_examples,
            references,
            sources,
            reliability,
            errors: failed,
        }
    }
}

/// The best passages, each with the other pages that have it nearly word for word.
fn found<'r, 'a>(ranking: &'r Ranking<'a>, most: usize) -> Vec<(&'r Passage<'a>, BTreeSet<usize>)> {
    let mut found: Vec<(&Passage<'_>, BTreeSet<String>, BTreeSet<usize>)> = Vec::new();
    for passage in ranking.passages.iter().filter(|passage| !passage.is_code()) {
        let (words, is_full) = (passage.words(), found.len() == most);
        match found.iter_mut().find(|(_, known, _)| text::likeness(known, &words) >= COPY) {
            Some((first, _, also)) if first.page != passage.page => {
                also.insert(passage.page);
            }
            Some(_) => {}
            // Copies of the last ones have about their score, and stand right behind them.
            None if is_full => break,
            None => found.push((passage, words, BTreeSet::new())),
        }
    }
    found.into_iter().map(|(passage, _, also)| (passage, also)).collect()
}

fn is_new(sentence: &str, said: &[Said<'_>]) -> bool {
    let words = text::set(sentence);
    said.iter().all(|known| text::likeness(&text::set(known.text), &words) < SAME)
}

fn refer(references: &mut Vec<Reference>, pages: &[Page], passage: &Passage<'_>, quote: &str) -> usize {
    let id = references.len() + 1;
    if let Some(page) = pages.get(passage.page) {
        references.push(Reference {
            id,
            place: Place::of(page),
            heading: passage.block.heading.clone(),
            anchor: passage.block.anchor.clone(),
            quote: quote.to_owned(),
        });
    }
    id
}

fn code(passage: &Passage<'_>, pages: &[Page], reference: usize) -> Code {
    let language = match &passage.block.content {
        Content::Code { language, .. } => language.clone(),
        Content::Text(_) => None,
    };
    let source = pages.get(passage.page).map(Place::name).unwrap_or_default();
    Code { language, code: passage.text.clone(), source, reference }
}

fn rounded(score: f64) -> f64 {
    (score * 1_000.0).round() / 1_000.0
}
