//! Words and sentences.

use std::collections::BTreeSet;

/// Words that say little of what a text is about.
const STOP: [&str; 62] = [
    "a", "about", "all", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "did", "do", "does", "for",
    "from", "get", "had", "has", "have", "how", "i", "if", "in", "into", "is", "it", "its", "me", "my", "no", "not",
    "of", "on", "or", "our", "should", "so", "than", "that", "the", "their", "them", "then", "there", "these", "they",
    "this", "to", "was", "we", "what", "when", "where", "which", "who", "why", "will", "with", "you",
];
/// What ends in a full stop and no sentence.
const SHORTENED: [&str; 17] = [
    "e.g.", "i.e.", "etc.", "vs.", "cf.", "mr.", "mrs.", "ms.", "dr.", "st.", "no.", "fig.", "approx.", "inc.", "ltd.",
    "al.", "resp.",
];
/// Characters of a sentence; what is longer is cut at a blank.
const LONGEST_SENTENCE: usize = 500;

/// A text with every run of blanks as one.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words of a text, in order: lower case, without the `s` of a plural; each character of scripts that write no blanks.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.chars() {
        if writes_no_blanks(c) {
            end_word(&mut word, &mut words);
            words.push(c.to_string());
        } else if c.is_alphanumeric() || c == '_' {
            word.extend(c.to_lowercase());
        } else {
            end_word(&mut word, &mut words);
        }
    }
    end_word(&mut word, &mut words);
    words
}

fn end_word(word: &mut String, words: &mut Vec<String>) {
    if !word.is_empty() {
        words.push(singular(std::mem::take(word)));
    }
}

fn singular(mut word: String) -> String {
    if is_stop(&word) {
        return word;
    }
    if word.len() > 4 && word.ends_with("ies") {
        word.truncate(word.len() - 3);
        word.push('y');
    } else if word.len() > 3 && word.ends_with('s') && !["ss", "us", "is"].iter().any(|end| word.ends_with(end)) {
        word.truncate(word.len() - 1);
    }
    word
}

fn writes_no_blanks(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{e00}'..='\u{eff}')
}

/// The words of a query that tell what it is about, each once, in order; all of them when none does.
pub(crate) fn telling(query: &str) -> Vec<String> {
    let all = words(query);
    let mut seen = BTreeSet::new();
    let mut distinct: Vec<String> = all.into_iter().filter(|word| seen.insert(word.clone())).collect();
    if distinct.iter().any(|word| !is_stop(word)) {
        distinct.retain(|word| !is_stop(word));
    }
    distinct
}

/// The words of a text that tell what it is about.
pub(crate) fn set(text: &str) -> BTreeSet<String> {
    words(text).into_iter().filter(|word| !is_stop(word)).collect()
}

fn is_stop(word: &str) -> bool {
    STOP.binary_search(&word).is_ok()
}

/// How many of the words of two texts are common, of all that either has: 0 to 1.
pub(crate) fn likeness(one: &BTreeSet<String>, other: &BTreeSet<String>) -> f64 {
    let common = one.intersection(other).count();
    let all = one.len() + other.len() - common;
    if all == 0 { 0.0 } else { common as f64 / all as f64 }
}

/// The sentences of a text of one line: each a part of it, none changed.
pub(crate) fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let end = at + c.len_utf8();
        let next = characters.peek().map(|(_, next)| *next);
        let ends = match c {
            '。' | '！' | '？' => true,
            '.' | '!' | '?' => next.is_none_or(|next| next == ' ') && begins_anew(text, start, end),
            _ => false,
        };
        if ends {
            found.push(text.get(start..end).unwrap_or_default());
            start = end;
        }
    }
    found.push(text.get(start..).unwrap_or_default());
    found
        .into_iter()
        .map(|sentence| cut(sentence.trim(), LONGEST_SENTENCE))
        .filter(|sentence| !sentence.is_empty())
        .collect()
}

/// Whether what is behind a full stop begins like a sentence, and what is before it is no abbreviation.
fn begins_anew(text: &str, start: usize, end: usize) -> bool {
    let before = text.get(start..end).unwrap_or_default();
    let last = before.rsplit(' ').next().unwrap_or_default().trim_start_matches(['(', '"', '“']).to_lowercase();
    if SHORTENED.contains(&last.as_str()) {
        return false;
    }
    let after = text.get(end..).unwrap_or_default().trim_start();
    after.chars().next().is_none_or(|next| !next.is_lowercase())
}

/// The beginning of a text, at most so many characters, to the end of a word where there is one.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    let Some((end, _)) = text.char_indices().nth(most) else { return text };
    let beginning = text.get(..end).unwrap_or(text);
    beginning.rfind(' ').filter(|blank| *blank > 0).and_then(|blank| text.get(..blank)).unwrap_or(beginning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_stop_words_is_sorted() {
        assert!(STOP.is_sorted());
    }

    #[test]
    fn words_are_compared_without_case_and_plural() {
        assert_eq!(
            words("Caches of HTTP_2 queries, class 日本"),
            ["cache", "of", "http_2", "query", "class", "日", "本"]
        );
        assert_eq!(telling("How does the cache work?"), ["cache", "work"]);
        assert_eq!(telling("what is it"), ["what", "is", "it"]);
    }

    #[test]
    fn sentences_are_parts_of_the_text() {
        let text = "Use it, e.g. for logs. Version 1.2 is old! Is it? (Yes.) It is v2. then more";
        assert_eq!(
            sentences(text),
            ["Use it, e.g. for logs.", "Version 1.2 is old!", "Is it?", "(Yes.) It is v2. then more"]
        );
        assert_eq!(sentences("一つ。二つ。"), ["一つ。", "二つ。"]);
        assert!(sentences(&"word ".repeat(200)).iter().all(|sentence| sentence.ends_with("word")));
        assert_eq!(sentences(""), Vec::<&str>::new());
    }
}
