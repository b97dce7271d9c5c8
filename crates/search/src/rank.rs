//! How well a question is met. It is judged as PostgreSQL's `ts_rank` judged it before: that order was tried on real catalogues.

use std::cell::RefCell;

use crate::{index::Index, vocabulary::InHead};

/// What a word of the summary weighs, where one of a name, tag or category weighs 1.
const SUMMARY: f32 = 0.4;
/// What the beginning of a word weighs, where the whole word, or its stem, weighs 1.
const BEGINNING: f32 = 0.5;
/// The sum of 1/n² over all n.
const ALL_SQUARES: f32 = 1.644_934;
/// As many occurrences as make a difference.
const MOST: usize = 8;
/// Words that are farther from each other are not near.
const FARTHEST: usize = 40;

/// What each word of a question means: groups of words, each once, and what they weigh.
pub struct Meaning {
    pub groups: Vec<(u32, f32)>,
}

impl Meaning {
    /// `whole` is the group of the word itself, `beginnings` are those of the words that it begins.
    pub fn new(whole: Option<u32>, beginnings: Vec<u32>) -> Self {
        let mut groups: Vec<(u32, f32)> = whole.map(|group| (group, 1.0)).into_iter().collect();
        groups.extend(beginnings.into_iter().filter(|group| Some(*group) != whole).map(|group| (group, BEGINNING)));
        Self { groups }
    }
}

/// Room for scores, kept between questions and all zero between them.
#[derive(Default)]
struct Room {
    /// For each place the score of the word at hand.
    of_word: Vec<f32>,
    /// For each place the sum of scores, or how many words it has.
    sum: Vec<f32>,
    /// Places with a sum, each once.
    scored: Vec<u32>,
    /// For each word of the vocabulary the words of the question that mean it, a bit each, and what it weighs.
    marks: Vec<(u8, f32)>,
}

thread_local! {
    static ROOM: RefCell<Room> = RefCell::default();
}

/// Calls `then` with what tells the score of a place, in millionths, for a question of at most eight `meanings`, of which
/// `every` one must be met, or any.
pub fn with_scores<T>(
    index: &Index,
    meanings: &[Meaning],
    every: bool,
    then: impl FnOnce(&dyn Fn(u32) -> u32) -> T,
) -> T {
    ROOM.with_borrow_mut(|room| {
        let near = every && meanings.len() > 1;
        room.sum_up(index, meanings, near);
        if near {
            room.mark(index, meanings);
        }
        let (sum, marks) = (&room.sum, &room.marks);
        let scales = Scales::new();
        #[expect(clippy::cast_precision_loss, reason = "there are at most eight")]
        let words = meanings.len().max(1) as f32;
        let result = then(&|place| match sum[place as usize] {
            // Most of what is found has the words in its description only.
            0.0 => 0,
            words if near && words < 2.0 => 0,
            _ if near => millionths(scales.nearness(index, place, marks)),
            score => millionths(score / words),
        });
        room.clear(index, meanings, near);
        result
    })
}

impl Room {
    fn sum_up(&mut self, index: &Index, meanings: &[Meaning], count: bool) {
        let places = index.places.len().max(self.sum.len());
        self.of_word.resize(places, 0.0);
        self.sum.resize(places, 0.0);
        let squares = squares();
        let mut touched = Vec::new();
        for meaning in meanings {
            for (group, weight) in &meaning.groups {
                for found in &index.vocabulary.groups[*group as usize].heads {
                    let score = &mut self.of_word[found.place as usize];
                    if *score == 0.0 {
                        touched.push(found.place);
                    }
                    *score += weight * in_head(*found, &squares);
                }
            }
            for place in touched.drain(..) {
                let score = std::mem::take(&mut self.of_word[place as usize]);
                let sum = &mut self.sum[place as usize];
                if *sum == 0.0 {
                    self.scored.push(place);
                }
                *sum += if count { 1.0 } else { score };
            }
        }
    }

    fn mark(&mut self, index: &Index, meanings: &[Meaning]) {
        self.marks.resize(index.vocabulary.words.len().max(self.marks.len()), (0, 0.0));
        for (number, meaning) in meanings.iter().enumerate().take(8) {
            for (group, weight) in &meaning.groups {
                for word in &index.vocabulary.groups[*group as usize].words {
                    let mark = &mut self.marks[*word as usize];
                    *mark = (mark.0 | 1 << number, mark.1.max(*weight));
                }
            }
        }
    }

    fn clear(&mut self, index: &Index, meanings: &[Meaning], marked: bool) {
        for place in self.scored.drain(..) {
            self.sum[place as usize] = 0.0;
        }
        if marked {
            for (group, _) in meanings.iter().flat_map(|meaning| &meaning.groups) {
                for word in &index.vocabulary.groups[*group as usize].words {
                    self.marks[*word as usize] = (0, 0.0);
                }
            }
        }
    }
}

fn in_head(found: InHead, squares: &[f32; MOST + 1]) -> f32 {
    let (title, summary) = (usize::from(found.title), usize::from(found.summary));
    let (titles, both) = (squares[title.min(MOST)], squares[(title + summary).min(MOST)]);
    titles + SUMMARY * (both - titles)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "scores are between 0 and a few")]
fn millionths(score: f32) -> u32 {
    // Below what sets a name apart that is the question itself.
    (f64::from(score.clamp(0.0, 9.0)) * 1_000_000.0) as u32
}

/// The first occurrence counts most: 1 + 1/4 + 1/9 + … of as many as there are, of 1.
fn squares() -> [f32; MOST + 1] {
    let mut sums = [0.0; MOST + 1];
    let mut n = 0.0;
    for at in 1..=MOST {
        n += 1.0;
        sums[at] = sums[at - 1] + 1.0 / (n * n * ALL_SQUARES);
    }
    sums
}

/// How much two words count that stand so many words apart.
struct Scales {
    apart: [f32; FARTHEST],
}

impl Scales {
    fn new() -> Self {
        let mut apart = [0.0; FARTHEST];
        let mut n = 0.0_f32;
        for distance in &mut apart {
            *distance = (1.0 / (1.005 + 0.05 * (n / 1.5 - 2.0).exp())).sqrt();
            n += 1.0;
        }
        Self { apart }
    }

    /// Each two words of the head that are different words of the question add to it, the more the nearer they are.
    fn nearness(&self, index: &Index, place: u32, marks: &[(u8, f32)]) -> f32 {
        let (head, titles) = index.head(place);
        let mut missing = 1.0;
        let mut seen: Vec<(usize, u8, f32)> = Vec::with_capacity(8);
        for (at, word) in head.iter().enumerate() {
            let (bits, weight) = marks[*word as usize];
            if bits == 0 {
                continue;
            }
            let weight = (if at < titles { weight } else { SUMMARY * weight }).sqrt();
            for (before, other, other_weight) in &seen {
                // The same word twice is not two words of the question.
                let both = bits | other;
                let distance = at - before;
                if both.count_ones() > 1 && (bits != *other || bits.count_ones() > 1) && distance < FARTHEST {
                    missing *= 1.0 - weight * other_weight * self.apart[distance];
                }
            }
            seen.push((at, bits, weight));
        }
        1.0 - missing
    }
}
