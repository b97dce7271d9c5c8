//! Questions, and what they find.

use std::{borrow::Cow, cell::RefCell, cmp::Reverse, collections::BinaryHeap};

use roaring::{MultiOps, RoaringBitmap};
use uuid::Uuid;

use crate::{
    facets::{Counts, Facets},
    index::{Index, Place},
    rank::{self, Meaning},
    spelling, text,
};

/// What to find.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// Words; everything when there are none.
    pub words: Option<String>,
    /// Only this kind.
    pub kind: Option<String>,
    /// Only this category, in any case.
    pub category: Option<String>,
    /// Only with this tag, in any case.
    pub tag: Option<String>,
    /// Only paid in this way.
    pub pricing: Option<String>,
    /// Only of this vendor.
    pub vendor: Option<Uuid>,
    /// Only from this reliability on.
    pub min_reliability: Option<i64>,
    /// In which order.
    pub order: Order,
    /// Only what comes behind this one.
    pub after: Option<Hit>,
    /// How many at most.
    pub limit: usize,
}

/// In which order things are shown, the greatest first; ties go to the later id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The best match; the most installed when there are no words.
    #[default]
    Relevance,
    /// The most reliable.
    Reliability,
    /// The best rated.
    Rating,
    /// The most installed.
    Installs,
    /// The newest.
    Newest,
}

/// Something that was found. Greater ones come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// What its order compares.
    pub key: i64,
    /// Which.
    pub id: Uuid,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The first of them, in order.
    pub hits: Vec<Hit>,
    /// How many there are, before and behind these too.
    pub total: usize,
    /// How many have which value.
    pub facets: Facets,
    /// What was looked for instead, when nothing has the words as they were given.
    pub corrected: Option<String>,
}

/// A name that is the question outranks every other match.
const CALLED_SO: i64 = 10_000_000;
/// Popularity parts what matches equally well, and nothing else.
const POPULARITY: i64 = 9_999;

impl Index {
    /// Finds what `query` asks for.
    ///
    /// Every word must be found, as it is or by its stem, the last one also as the beginning of a word. When nothing has them
    /// all, words that nothing has are corrected; when still nothing has them all, things with any of them are found.
    #[must_use]
    pub fn search(&self, query: &Query) -> Found {
        let Some(filter) = Filter::of(self, query) else { return Found::default() };
        let asked = query.words.as_deref().map(text::question).unwrap_or_default();
        if asked.is_empty() {
            let nothing_asked = query.words.as_deref().is_none_or(|words| words.trim().is_empty());
            return if nothing_asked { self.list(query, &filter) } else { Found::default() };
        }
        let found = self.find(query, &filter, &asked, true);
        if found.total > 0 {
            return found;
        }
        let corrected = spelling::correct(self, &asked);
        for every in [true, false] {
            if corrected.is_empty() || (every && corrected == asked) {
                continue;
            }
            let found = self.find(query, &filter, &corrected, every);
            if found.total > 0 {
                return Found { corrected: (corrected != asked).then(|| corrected.join(" ")), ..found };
            }
        }
        Found::default()
    }

    fn list(&self, query: &Query, filter: &Filter) -> Found {
        let key = |_: u32, place: &Place| key_of(query.order, place);
        self.collect(query, filter, self.listed.iter(), key)
    }

    fn find(&self, query: &Query, filter: &Filter, words: &[String], every: bool) -> Found {
        let last = words.len() - 1;
        let meanings: Vec<Meaning> = words
            .iter()
            .enumerate()
            .map(|(number, word)| {
                let beginnings = if number == last { self.vocabulary.beginning(word) } else { Vec::new() };
                Meaning::new(self.vocabulary.group(word), beginnings)
            })
            .collect();
        let places = self.places_of(&meanings, every);
        if query.order != Order::Relevance {
            return self.collect(query, filter, places.iter(), |_, place| key_of(query.order, place));
        }
        let called = self.by_words.get(words.join(" ").as_str()).map(Vec::as_slice).unwrap_or_default();
        rank::with_scores(self, &meanings, every, |score| {
            let key = |number, place: &Place| {
                let named = if called.contains(&number) { CALLED_SO } else { 0 };
                score(number) + named + place.installs.min(POPULARITY)
            };
            self.collect(query, filter, places.iter(), key)
        })
    }

    /// The listed places that have every one of `meanings`, or any.
    fn places_of(&self, meanings: &[Meaning], every: bool) -> RoaringBitmap {
        let of_word = meanings.iter().map(|meaning| {
            let places = |group: &(u32, f32)| &self.vocabulary.groups[group.0 as usize].places;
            match meaning.groups.as_slice() {
                [one] => Cow::Borrowed(places(one)),
                several => Cow::Owned(several.iter().map(places).union()),
            }
        });
        if !every {
            return of_word.fold(RoaringBitmap::new(), |all, word| all | word.as_ref()) & &self.listed;
        }
        let mut of_word: Vec<Cow<'_, RoaringBitmap>> = of_word.collect();
        // The rarest first, so that little is left to compare.
        of_word.sort_by_key(|places| places.len());
        let mut of_word = of_word.iter();
        let Some(first) = of_word.next() else { return RoaringBitmap::new() };
        of_word.fold(first.as_ref() & &self.listed, |all, word| all & word.as_ref())
    }

    fn collect(
        &self,
        query: &Query,
        filter: &Filter,
        places: impl Iterator<Item = u32>,
        key: impl Fn(u32, &Place) -> i64,
    ) -> Found {
        COUNTING.with_borrow_mut(|counting| {
            counting.fit(self);
            let mut first = First { after: query.after, limit: query.limit, kept: BinaryHeap::new() };
            let mut total = 0;
            for number in places {
                let place = &self.places[number as usize];
                if !filter.passes(self, place) {
                    continue;
                }
                total += 1;
                counting.add(self, place);
                first.offer(Hit { key: key(number, place), id: place.id });
            }
            Found { hits: first.hits(), total, facets: counting.take(self), corrected: None }
        })
    }
}

fn key_of(order: Order, place: &Place) -> i64 {
    match order {
        Order::Relevance | Order::Installs => place.installs,
        Order::Reliability => place.reliability,
        Order::Rating => place.rating,
        Order::Newest => place.born,
    }
}

/// The first hits of many.
struct First {
    after: Option<Hit>,
    limit: usize,
    /// The least of them on top.
    kept: BinaryHeap<Reverse<Hit>>,
}

impl First {
    fn offer(&mut self, hit: Hit) {
        if self.after.is_some_and(|after| hit >= after) {
            return;
        }
        if self.kept.len() < self.limit {
            self.kept.push(Reverse(hit));
        } else if let Some(mut least) = self.kept.peek_mut()
            && least.0 < hit
        {
            *least = Reverse(hit);
        }
    }

    fn hits(self) -> Vec<Hit> {
        // Sorted by `Reverse`: the greatest first.
        self.kept.into_sorted_vec().into_iter().map(|Reverse(hit)| hit).collect()
    }
}

/// A query's filters, by numbers.
struct Filter {
    kind: Option<u32>,
    categories: Option<Vec<u32>>,
    tag: Option<u32>,
    pricing: Option<u32>,
    vendor: Option<Uuid>,
    min_reliability: i64,
    /// Most questions have none.
    none: bool,
}

impl Filter {
    /// None when nothing can pass, since nothing has such a value.
    fn of(index: &Index, query: &Query) -> Option<Self> {
        let known = &index.dictionaries;
        let Query { kind, category, tag, pricing, vendor, min_reliability, .. } = query;
        let categories = category.as_ref().map(|category| known.category.alike(category));
        let number = |wanted: Option<Option<u32>>| match wanted {
            Some(None) => Err(()),
            Some(number) => Ok(number),
            None => Ok(None),
        };
        let kind = number(kind.as_ref().map(|kind| known.kind.known(kind))).ok()?;
        let tag = number(tag.as_ref().map(|tag| known.tag.known(&tag.to_lowercase()))).ok()?;
        let pricing = number(pricing.as_ref().map(|pricing| known.pricing.known(pricing))).ok()?;
        let (vendor, min_reliability) = (*vendor, min_reliability.unwrap_or(0));
        let none = kind.is_none()
            && categories.is_none()
            && tag.is_none()
            && pricing.is_none()
            && vendor.is_none()
            && min_reliability <= 0;
        Some(Self { kind, categories, tag, pricing, vendor, min_reliability, none })
    }

    fn passes(&self, index: &Index, place: &Place) -> bool {
        if self.none {
            return true;
        }
        let values = &place.values;
        self.kind.is_none_or(|kind| values.kind == kind)
            && self.pricing.is_none_or(|pricing| values.pricing == pricing)
            && self.categories.as_ref().is_none_or(|categories| categories.contains(&values.category))
            && self.tag.is_none_or(|tag| values.tags(&index.dictionaries.tags).contains(&tag))
            && self.vendor.is_none_or(|vendor| place.vendor == vendor)
            && place.reliability >= self.min_reliability
    }
}

/// Counts of all facets.
#[derive(Default)]
struct Counting {
    kind: Counts,
    category: Counts,
    tag: Counts,
    pricing: Counts,
    license: Counts,
}

thread_local! {
    static COUNTING: RefCell<Counting> = RefCell::default();
}

impl Counting {
    fn fit(&mut self, index: &Index) {
        let known = &index.dictionaries;
        self.kind.fit(&known.kind);
        self.category.fit(&known.category);
        self.tag.fit(&known.tag);
        self.pricing.fit(&known.pricing);
        self.license.fit(&known.license);
    }

    fn add(&mut self, index: &Index, place: &Place) {
        let values = &place.values;
        self.kind.add(values.kind);
        self.category.add(values.category);
        self.pricing.add(values.pricing);
        self.license.add(values.license);
        for tag in values.tags(&index.dictionaries.tags) {
            self.tag.add(*tag);
        }
    }

    fn take(&mut self, index: &Index) -> Facets {
        let known = &index.dictionaries;
        Facets {
            kind: self.kind.take(&known.kind),
            category: self.category.take(&known.category),
            tag: self.tag.take(&known.tag),
            pricing: self.pricing.take(&known.pricing),
            license: self.license.take(&known.license),
        }
    }
}
