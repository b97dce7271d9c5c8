//! How far an answer can be relied on. It measures agreement and completeness, and cannot know what is true.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    address,
    outline::{Origin, Page},
    rank::Ranking,
    text,
};

const ANSWERED: f64 = 30.0;
const COVERAGE: f64 = 30.0;
const AGREEMENT: f64 = 40.0;
/// So much of a sentence's words another site has to have to agree with it.
const AGREES: f64 = 0.5;
/// What is so like is a copy, and no second opinion.
pub(crate) const COPY: f64 = 0.8;
/// Passages that are asked whether they agree, best first.
const ASKED: usize = 500;

/// The score with its parts.
#[derive(Debug, Serialize)]
pub(crate) struct Reliability {
    /// 0 to 100.
    score: u32,
    parts: Parts,
    why: Vec<String>,
}

/// Each 0 to 1, two digits.
#[derive(Debug, Serialize)]
struct Parts {
    answered: f64,
    coverage: f64,
    agreement: f64,
}

/// A sentence of the summary.
pub(crate) struct Said<'a> {
    pub(crate) page: usize,
    pub(crate) text: &'a str,
}

impl Reliability {
    /// `details` are the texts that answer; `asked` is how many sources and documents were named.
    pub(crate) fn of(
        pages: &[Page],
        asked: usize,
        ranking: &Ranking<'_>,
        query: &[String],
        details: &[&str],
        said: &[Said<'_>],
    ) -> Self {
        let found: BTreeSet<String> = details.iter().flat_map(|text| text::words(text)).collect();
        let covered = query.iter().filter(|word| found.contains(*word)).count();
        let others: Vec<_> = ranking
            .passages
            .iter()
            .filter(|passage| !passage.is_code())
            .take(ASKED)
            .map(|passage| (site(pages, passage.page), passage.words()))
            .collect();
        let supported = said
            .iter()
            .filter(|sentence| {
                let (own, words) = (site(pages, sentence.page), text::set(sentence.text));
                let agrees = |other: &BTreeSet<String>| share(words.intersection(other).count(), words.len()) >= AGREES;
                others.iter().any(|(site, other)| *site != own && agrees(other) && text::likeness(&words, other) < COPY)
            })
            .count();
        let answered = share(pages.len().min(asked), asked);
        let coverage = share(covered, query.len());
        let agreement = share(supported, said.len());
        let sum = ANSWERED * answered + COVERAGE * coverage + AGREEMENT * agreement;
        let sites: BTreeSet<_> = (0..pages.len()).map(|page| site(pages, page)).collect();
        Self {
            // Without a passage there is nothing to rely on.
            score: if details.is_empty() { 0 } else { sum.round() as u32 },
            parts: Parts { answered: rounded(answered), coverage: rounded(coverage), agreement: rounded(agreement) },
            why: vec![
                format!("{} of {asked} sources could be read, from {} sites.", pages.len(), sites.len()),
                format!("{covered} of {} words of the query are in the details.", query.len()),
                format!("{supported} of {} sentences of the summary are supported by another site.", said.len()),
            ],
        }
    }
}

/// Pages of one host are one voice; a document is its own.
fn site(pages: &[Page], index: usize) -> &str {
    pages.get(index).map_or("", |page| match &page.origin {
        Origin::Url(url) => address::host(url),
        Origin::Document(name) => name,
    })
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
