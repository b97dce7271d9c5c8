//! What a word that nothing has was meant to be.

use crate::{
    index::Index,
    text,
    vocabulary::{Vocabulary, letters},
};

/// `words` with those that nothing has replaced by the word that was most likely meant; left out when there is none.
pub fn correct(index: &Index, words: &[String]) -> Vec<String> {
    let mut corrected = Vec::new();
    for (number, word) in words.iter().enumerate() {
        if is_known(index, word, number + 1 == words.len()) {
            corrected.push(word.clone());
        } else {
            corrected.extend(nearest(&index.vocabulary, word));
        }
    }
    corrected.dedup();
    corrected
}

fn is_known(index: &Index, word: &str, beginning: bool) -> bool {
    let lives = |group: u32| !index.vocabulary.groups[group as usize].places.is_disjoint(&index.live);
    index.vocabulary.group(word).is_some_and(lives)
        || (beginning && index.vocabulary.beginning(word).into_iter().any(lives))
}

/// The word with the fewest mistakes, among those the most used one, of those in names, tags and categories. Short words are
/// not guessed at.
fn nearest(vocabulary: &Vocabulary, word: &str) -> Option<String> {
    let wanted: Vec<char> = word.chars().collect();
    let allowed: u8 = match wanted.len() {
        0..=3 => return None,
        4..=7 => 1,
        _ => 2,
    };
    let (has, length) = (letters(word), wanted.len());
    let near = vocabulary.words.iter().filter(|other| {
        // Each mistake adds a letter, takes one away, or both.
        other.uses > 0
            && other.length > 2
            && usize::from(other.length).abs_diff(length) <= usize::from(allowed)
            && (other.letters & !has).count_ones() <= allowed.into()
            && (has & !other.letters).count_ones() <= allowed.into()
    });
    near.filter_map(|other| {
        let mistakes = text::distance(&wanted, &other.text, allowed.into())?;
        Some((mistakes, std::cmp::Reverse(other.uses), &other.text))
    })
    .min()
    .map(|(.., nearest)| nearest.to_string())
}
