//! What is in the index, and how it changes.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use uuid::Uuid;

use crate::{
    facets::{Dictionaries, Values},
    text,
    vocabulary::{InHead, Vocabulary, id},
};

/// What something that can be found says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// Its unique name.
    pub name: String,
    /// What its name is compared as; ends up as the key of [`Index::named`].
    pub name_key: String,
    /// Name to show.
    pub display_name: String,
    /// One paragraph.
    pub summary: String,
    /// What is searched, but does not rank.
    pub description: String,
    /// One category.
    pub category: String,
    /// In any case.
    pub tags: Vec<String>,
    /// One kind.
    pub kind: String,
    /// One license.
    pub license: String,
    /// When it came, as a number that grows.
    pub born: i64,
}

/// What is told of it, and changes without its words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Whether it can be found at all.
    pub listed: bool,
    /// Whose.
    pub vendor: Uuid,
    /// How it is paid.
    pub pricing: String,
    /// What the order by installs compares.
    pub installs: i64,
    /// What the order by rating compares.
    pub rating: i64,
    /// What the order by reliability compares.
    pub reliability: i64,
}

/// A thing in the index. A new text gets a new place, so that places only grow; the old one is dead.
pub struct Place {
    pub id: Uuid,
    pub vendor: Uuid,
    pub born: i64,
    pub installs: i64,
    pub rating: i64,
    pub reliability: i64,
    /// Its words: those of names, tags and category, then those of the summary.
    head: Span,
    titles: u32,
    /// When the caller last said that it changed.
    pub touched: u64,
    /// When its text was last written, as the caller counts.
    pub described: i64,
}

/// What whoever shows something needs to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Which it is.
    pub id: Uuid,
    /// Whose.
    pub vendor: Uuid,
    /// When it was last touched.
    pub touched: u64,
}

impl Place {
    const fn known(&self) -> Known {
        Known { id: self.id, vendor: self.vendor, touched: self.touched }
    }
}

#[derive(Clone, Copy, Default)]
pub(crate) struct Span {
    start: u32,
    length: u32,
}

impl Span {
    /// What it spans of `all`.
    pub fn of<T>(self, all: &[T]) -> &[T] {
        let start = self.start as usize;
        &all[start..start + self.length as usize]
    }
}

/// Everything that can be found, and how.
#[derive(Default)]
pub struct Index {
    pub(crate) vocabulary: Vocabulary,
    pub(crate) dictionaries: Dictionaries,
    pub(crate) places: Vec<Place>,
    /// What each place counts as.
    pub(crate) values: Vec<Values>,
    /// Words of heads, place after place.
    heads: Vec<u32>,
    /// Places that were not replaced.
    pub(crate) live: RoaringBitmap,
    /// Of those, the ones that can be found.
    pub(crate) listed: RoaringBitmap,
    /// Counts changes of what is found and how it counts.
    epoch: u64,
    /// Counts changes of reliabilities, which some filters look at.
    reliability_epoch: u64,
    by_id: HashMap<Uuid, u32>,
    by_name: HashMap<Box<str>, u32>,
    /// By the words of names, to know what is called exactly so.
    pub(crate) by_words: HashMap<Box<str>, Vec<u32>>,
}

impl Index {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many things are in it, whether they can be found or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Whether so much of it is dead that filling a new one is worth it.
    #[must_use]
    pub fn is_wasteful(&self) -> bool {
        let dead = self.places.len() - self.len();
        dead > 1_000 && dead > self.len() / 4
    }

    /// When `id` was last touched; none when it is not there.
    #[must_use]
    pub fn touched(&self, id: Uuid) -> Option<u64> {
        self.by_id.get(&id).map(|place| self.places[*place as usize].touched)
    }

    /// What is known of `id`; none when it is not there.
    #[must_use]
    pub fn known(&self, id: Uuid) -> Option<Known> {
        self.by_id.get(&id).map(|place| self.places[*place as usize].known())
    }

    /// What is known of whoever has the name that is compared as `key`.
    #[must_use]
    pub fn named(&self, key: &str) -> Option<Known> {
        self.by_name.get(key).map(|place| self.places[*place as usize].known())
    }

    /// As of when the text of `id` is that is in the index; none when it is not there.
    #[must_use]
    pub fn described(&self, id: Uuid) -> Option<i64> {
        self.by_id.get(&id).map(|place| self.places[*place as usize].described)
    }

    /// Says that something changed at `time` that others show with everything of `vendor`.
    pub fn touch_vendor(&mut self, vendor: Uuid, time: u64) {
        for place in self.places.iter_mut().filter(|place| place.vendor == vendor) {
            place.touched = time;
        }
    }

    /// Adds `id`, or gives it another text, which is as of `described`.
    pub fn put(&mut self, id: Uuid, listing: &Listing, described: i64, figures: &Figures, time: u64) {
        let place = crate::vocabulary::id(self.places.len());
        if let Some(old) = self.by_id.insert(id, place) {
            self.retire(old);
        }
        let (head, titles) = self.place_words(place, listing);
        let values = self.dictionaries.values(listing, figures);
        // Places only grow, so this is the quick way in.
        let _ = self.live.try_push(place);
        self.by_name.insert(listing.name_key.as_str().into(), place);
        let called = text::name_words(&listing.name).join(" ");
        let called = self.by_words.entry(called.into()).or_default();
        called.retain(|other| self.live.contains(*other));
        called.push(place);
        self.values.push(values);
        self.epoch += 1;
        self.places.push(Place {
            id,
            vendor: figures.vendor,
            born: listing.born,
            installs: 0,
            rating: 0,
            reliability: 0,
            head,
            titles,
            touched: time,
            described,
        });
        self.set(id, figures, time);
    }

    /// Tells what changed of `id` besides its text; false when it is not there.
    pub fn set(&mut self, id: Uuid, figures: &Figures, time: u64) -> bool {
        let Some(&number) = self.by_id.get(&id) else { return false };
        let pricing = self.dictionaries.pricing(&figures.pricing);
        let place = &mut self.places[number as usize];
        let listed = if figures.listed { self.listed.insert(number) } else { self.listed.remove(number) };
        let values = &mut self.values[number as usize];
        if listed || place.vendor != figures.vendor || values.pricing != pricing {
            self.epoch += 1;
        }
        if place.reliability != figures.reliability {
            self.reliability_epoch += 1;
        }
        values.pricing = pricing;
        (place.vendor, place.installs, place.rating) = (figures.vendor, figures.installs, figures.rating);
        (place.reliability, place.touched) = (figures.reliability, time);
        true
    }

    /// Another number whenever what a question finds may have changed, though not its order.
    pub(crate) fn epoch(&self, with_reliability: bool) -> (u64, u64) {
        (self.epoch, if with_reliability { self.reliability_epoch } else { 0 })
    }

    /// The words of a place's head, and how many of them are of its names, tags and category.
    pub(crate) fn head(&self, place: u32) -> (&[u32], usize) {
        let place = &self.places[place as usize];
        (place.head.of(&self.heads), place.titles as usize)
    }

    fn retire(&mut self, place: u32) {
        self.live.remove(place);
        self.listed.remove(place);
        let Place { head, titles, .. } = &self.places[place as usize];
        for word in &head.of(&self.heads)[..*titles as usize] {
            let uses = &mut self.vocabulary.words[*word as usize].uses;
            *uses = uses.saturating_sub(1);
        }
    }

    fn place_words(&mut self, place: u32, listing: &Listing) -> (Span, u32) {
        let start = self.heads.len();
        let mut titles = text::name_words(&listing.name);
        titles.extend(text::name_words(&listing.display_name));
        titles.extend(listing.tags.iter().flat_map(|tag| text::words(tag)));
        titles.extend(text::words(&listing.category));
        // Group, and whether it stands in a title or a summary; the rest is only found.
        let mut found: Vec<(u32, u8)> = Vec::with_capacity(256);
        for word in &titles {
            let word = self.vocabulary.word(word);
            self.vocabulary.words[word as usize].uses += 1;
            self.heads.push(word);
            found.push((self.vocabulary.words[word as usize].group, TITLE));
        }
        let titles = id(titles.len());
        for word in text::parts(&text::plain(&listing.summary)) {
            let word = self.vocabulary.word(word);
            self.heads.push(word);
            found.push((self.vocabulary.words[word as usize].group, SUMMARY));
        }
        let head = Span { start: id(start), length: id(self.heads.len() - start) };
        for word in text::parts(&text::plain(&listing.description)) {
            let word = self.vocabulary.word(word);
            found.push((self.vocabulary.words[word as usize].group, REST));
        }
        found.sort_unstable();
        for same in found.chunk_by(|left, right| left.0 == right.0) {
            let group = &mut self.vocabulary.groups[same[0].0 as usize];
            let _ = group.places.try_push(place);
            let count = |part| u8::try_from(same.iter().filter(|(_, is)| *is == part).count()).unwrap_or(u8::MAX);
            let (title, summary) = (count(TITLE), count(SUMMARY));
            if title > 0 || summary > 0 {
                group.heads.push(InHead { place, title, summary });
            }
        }
        (head, titles)
    }
}

const TITLE: u8 = 0;
const SUMMARY: u8 = 1;
const REST: u8 = 2;
