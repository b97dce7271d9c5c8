//! What is counted of everything found, and filtered by.

use std::{collections::HashMap, sync::Arc};

use crate::{
    index::{Figures, Listing},
    vocabulary::id,
};

/// How many values a facet shows.
pub const FACET_VALUES: usize = 50;

/// How many of what was found have each value, the most frequent ones, in the order of the values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// By kind.
    pub kind: Vec<(Arc<str>, i64)>,
    /// By category.
    pub category: Vec<(Arc<str>, i64)>,
    /// By tag, lower case.
    pub tag: Vec<(Arc<str>, i64)>,
    /// By way of charging.
    pub pricing: Vec<(Arc<str>, i64)>,
    /// By license.
    pub license: Vec<(Arc<str>, i64)>,
}

/// Values of one facet, by number.
#[derive(Default)]
pub struct Dictionary {
    values: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Dictionary {
    fn number(&mut self, value: &str) -> u32 {
        if let Some(&number) = self.numbers.get(value) {
            return number;
        }
        let (number, value): (u32, Arc<str>) = (id(self.values.len()), value.into());
        self.values.push(Arc::clone(&value));
        self.numbers.insert(value, number);
        number
    }

    /// The number of `value`; none when nothing ever had it.
    pub fn known(&self, value: &str) -> Option<u32> {
        self.numbers.get(value).copied()
    }

    /// The numbers of the values that are `value` but for their case.
    pub fn alike(&self, value: &str) -> Vec<u32> {
        let wanted = value.to_lowercase();
        let alike = |known: &&(usize, &Arc<str>)| known.1.to_lowercase() == wanted;
        self.values.iter().enumerate().filter(|known| alike(&known)).map(|(number, _)| id(number)).collect()
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }
}

/// The dictionaries of all facets.
#[derive(Default)]
pub struct Dictionaries {
    pub kind: Dictionary,
    pub category: Dictionary,
    pub license: Dictionary,
    pub pricing: Dictionary,
    pub tag: Dictionary,
    /// Tags of places that have more than fit beside the other values.
    many: Vec<Box<[u32]>>,
}

/// As many tags as stand beside the other values.
const FEW: usize = 4;
/// No tag, and no more tags.
const NONE: u32 = u32::MAX;

/// The values that a place has, by number. Everything found is counted by these, so they are kept small and close together: half
/// a cache line a place.
#[derive(Clone, Copy)]
pub struct Values {
    pub category: u32,
    pub license: u32,
    pub kind: u16,
    pub pricing: u16,
    tags: [u32; FEW],
    /// Where all tags are, if there are more than few.
    many: u32,
}

impl Values {
    /// Its tags, each once.
    pub fn tags<'a>(&'a self, known: &'a Dictionaries) -> impl Iterator<Item = u32> + 'a {
        let all: &[u32] = if self.many == NONE { &self.tags } else { &known.many[self.many as usize] };
        all.iter().copied().take_while(|tag| *tag != NONE)
    }
}

impl Dictionaries {
    pub fn values(&mut self, listing: &Listing, figures: &Figures) -> Values {
        let mut all: Vec<u32> = listing.tags.iter().map(|tag| self.tag.number(&tag.to_lowercase())).collect();
        all.sort_unstable();
        all.dedup();
        let mut tags = [NONE; FEW];
        let mut many = NONE;
        if all.len() > FEW {
            many = id(self.many.len());
            self.many.push(all.into());
        } else {
            tags[..all.len()].copy_from_slice(&all);
        }
        Values {
            category: self.category.number(&listing.category),
            license: self.license.number(&listing.license),
            kind: few(self.kind.number(&listing.kind)),
            pricing: self.pricing(&figures.pricing),
            tags,
            many,
        }
    }

    pub fn pricing(&mut self, pricing: &str) -> u16 {
        few(self.pricing.number(pricing))
    }
}

/// The number of a kind or a way of charging, of which there is a handful.
pub fn few(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// Counts of one facet's values. Kept between questions: only what was counted is set back.
#[derive(Default)]
pub struct Counts {
    counts: Vec<u32>,
    counted: Vec<u32>,
}

impl Counts {
    /// Makes room for the values of `dictionary`.
    pub fn fit(&mut self, dictionary: &Dictionary) {
        if self.counts.len() < dictionary.len() {
            self.counts.resize(dictionary.len(), 0);
        }
    }

    pub fn add(&mut self, value: u32) {
        let count = &mut self.counts[value as usize];
        if *count == 0 {
            self.counted.push(value);
        }
        *count += 1;
    }

    /// The most frequent values, of equally frequent ones the first; and begins anew.
    pub fn take(&mut self, dictionary: &Dictionary) -> Vec<(Arc<str>, i64)> {
        let mut most: Vec<(u32, u32)> =
            self.counted.drain(..).map(|value| (std::mem::take(&mut self.counts[value as usize]), value)).collect();
        let text = |value: u32| &dictionary.values[value as usize];
        if most.len() > FACET_VALUES {
            // By the counts alone first: of thousands of values most are out without a look at their texts.
            let (_, least, _) = most.select_nth_unstable_by(FACET_VALUES - 1, |left, right| right.0.cmp(&left.0));
            let least = least.0;
            most.retain(|(count, _)| *count >= least);
            most.sort_unstable_by(|left, right| right.0.cmp(&left.0).then_with(|| text(left.1).cmp(text(right.1))));
            most.truncate(FACET_VALUES);
        }
        let mut shown: Vec<_> =
            most.into_iter().map(|(count, value)| (Arc::clone(text(value)), i64::from(count))).collect();
        shown.sort_unstable();
        shown
    }
}
