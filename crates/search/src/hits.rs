//! Questions, and what they find.

use std::{borrow::Cow, cell::RefCell, cmp::Reverse, collections::BinaryHeap, sync::Arc};

use roaring::{MultiOps, RoaringBitmap};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    facets::{Counts, Facets, few},
    index::{Index, Place},
    rank::{self, Meaning},
    spelling, text,
};

/// What to find.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
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

impl Query {
    /// It without order, page and limit: what decides about its [`Matches`].
    #[must_use]
    pub fn question(&self) -> Self {
        Self { order: Order::default(), after: None, limit: 0, ..self.clone() }
    }
}

/// In which order things are shown, the greatest first; ties go to the later id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The best match; the most installed when there are no words.
    #[default]
    Relevance,
    /// The most reliable.
    Reliability,
    /// The best rated, by Bayesian mean.
    Rating,
    /// The most installed.
    Installs,
    /// The newest.
    Newest,
}

/// Something that was found. Greater ones come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    pub facets: Arc<Facets>,
    /// What was looked for instead, when nothing has the words as they were given.
    pub corrected: Option<String>,
}

/// What a question matches, and all that is known of that but the order. Good for as long as [`Index::is_fresh`] says so: installs and
/// ratings move all the time, and change none of it.
#[derive(Debug)]
pub struct Matches {
    /// How many there are.
    pub total: usize,
    /// How many have which value.
    pub facets: Arc<Facets>,
    /// What was looked for instead, when nothing has the words as they were given.
    pub corrected: Option<String>,
    what: What,
    /// Places with their scores, among which the best ones are, however popular they are; none when there are too many.
    best: Option<Vec<(u32, u32)>>,
    epoch: (u64, u64),
}

/// What is looked for in the end.
#[derive(Debug)]
enum What {
    Nothing,
    Everything,
    /// Every one of these words, or any.
    Words(Vec<String>, bool),
}

/// A name that is the question outranks every other match.
const CALLED_SO: u32 = 10_000_000;
/// Popularity parts what matches equally well, and nothing else.
const POPULARITY: u32 = 9_999;
/// As many of the first hits as are found among [`Matches::best`].
const FIRST: usize = 101;
/// As many places as [`Matches::best`] holds at most.
const BEST: usize = 8_192;

impl Matches {
    /// About how many bytes it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        let Facets { kind, category, tag, pricing, license } = self.facets.as_ref();
        let values = kind.len() + category.len() + tag.len() + pricing.len() + license.len();
        200 + values * 24 + self.best.as_ref().map_or(0, |best| best.len() * 8)
    }
}

impl Index {
    /// Finds what `query` asks for.
    ///
    /// Every word must be found, as it is or by its stem, the last one also as the beginning of a word. When nothing has them
    /// all, words that nothing has are corrected; when still nothing has them all, things with any of them are found.
    #[must_use]
    pub fn search(&self, query: &Query) -> Found {
        let matches = self.matches(query);
        let hits = self.hits(query, &matches);
        let Matches { total, facets, corrected, .. } = matches;
        Found { hits, total, facets, corrected }
    }

    /// What `query` matches, whatever its order, page and limit.
    #[must_use]
    pub fn matches(&self, query: &Query) -> Matches {
        let Some(filter) = Filter::of(self, query) else { return self.count(query, None, What::Nothing) };
        let asked = query.words.as_deref().map(text::question).unwrap_or_default();
        if asked.is_empty() {
            let nothing_asked = query.words.as_deref().is_none_or(|words| words.trim().is_empty());
            let what = if nothing_asked { What::Everything } else { What::Nothing };
            return self.count(query, Some(&filter), what);
        }
        let matches = self.count(query, Some(&filter), What::Words(asked.clone(), true));
        if matches.total > 0 {
            return matches;
        }
        let corrected = spelling::correct(self, &asked);
        for every in [true, false] {
            if corrected.is_empty() || (every && corrected == asked) {
                continue;
            }
            let matches = self.count(query, Some(&filter), What::Words(corrected.clone(), every));
            if matches.total > 0 {
                return Matches { corrected: (corrected != asked).then(|| corrected.join(" ")), ..matches };
            }
        }
        matches
    }

    /// Whether `matches` of `query` would come out the same now.
    #[must_use]
    pub fn is_fresh(&self, query: &Query, matches: &Matches) -> bool {
        matches.epoch == self.epoch(query.min_reliability.is_some())
    }

    /// The hits that `query` wants of `matches`, which are its own and fresh.
    #[must_use]
    pub fn hits(&self, query: &Query, matches: &Matches) -> Vec<Hit> {
        let mut first = First { after: query.after, limit: query.limit, kept: BinaryHeap::new() };
        let relevance = query.order == Order::Relevance;
        match (&matches.what, &matches.best, Filter::of(self, query)) {
            (What::Nothing, ..) | (.., None) => {}
            (What::Words(..), Some(best), _) if relevance && query.after.is_none() && query.limit <= FIRST => {
                for (number, score) in best {
                    let place = &self.places[*number as usize];
                    first.offer(popular(*score, place), place);
                }
            }
            (What::Words(words, every), _, Some(filter)) if relevance => {
                let meanings = self.meanings(words);
                let places = self.places_of(&meanings, *every);
                self.with_scores(words, &meanings, *every, |score| {
                    self.each(&filter, places.iter(), |number, place| {
                        first.offer(popular(score(number), place), place)
                    });
                });
            }
            (What::Words(words, every), _, Some(filter)) => {
                let places = self.places_of(&self.meanings(words), *every);
                self.each(&filter, places.iter(), |_, place| first.offer(key_of(query.order, place), place));
            }
            (What::Everything, _, Some(filter)) => {
                self.each(&filter, self.listed.iter(), |_, place| first.offer(key_of(query.order, place), place));
            }
        }
        first.hits()
    }

    /// Counts everything that is found.
    fn count(&self, query: &Query, filter: Option<&Filter>, what: What) -> Matches {
        let (mut total, mut facets, mut best) = (0, Facets::default(), None);
        let mut counted = |places: &mut dyn Iterator<Item = u32>, seen: &mut dyn FnMut(u32)| {
            let Some(filter) = filter else { return };
            COUNTING.with_borrow_mut(|counting| {
                counting.fit(self);
                for number in places {
                    if filter.passes(self, number) {
                        total += 1;
                        counting.add(self, number);
                        seen(number);
                    }
                }
                facets = counting.take(self);
            });
        };
        match &what {
            What::Nothing => {}
            What::Everything => counted(&mut self.listed.iter(), &mut |_| {}),
            What::Words(words, every) => {
                let meanings = self.meanings(words);
                let places = self.places_of(&meanings, *every);
                let mut scored = Vec::new();
                self.with_scores(words, &meanings, *every, |score| {
                    counted(&mut places.iter(), &mut |number| scored.push((number, score(number))));
                });
                best = best_of(scored);
            }
        }
        let epoch = self.epoch(query.min_reliability.is_some());
        Matches { total, facets: Arc::new(facets), corrected: None, what, best, epoch }
    }

    fn meanings(&self, words: &[String]) -> Vec<Meaning> {
        let meaning = |(number, word): (usize, &String)| {
            let last = number + 1 == words.len();
            let beginnings = if last { self.vocabulary.beginning(word) } else { Vec::new() };
            Meaning::new(self.vocabulary.group(word), beginnings)
        };
        words.iter().enumerate().map(meaning).collect()
    }

    /// Calls `then` with what tells the score of a place, in millionths, without its popularity.
    fn with_scores<T>(
        &self,
        words: &[String],
        meanings: &[Meaning],
        every: bool,
        then: impl FnOnce(&dyn Fn(u32) -> u32) -> T,
    ) -> T {
        let called = self.by_words.get(words.join(" ").as_str()).map(Vec::as_slice).unwrap_or_default();
        rank::with_scores(self, meanings, every, |score| {
            then(&|number| score(number) + if called.contains(&number) { CALLED_SO } else { 0 })
        })
    }

    fn each(&self, filter: &Filter, places: impl Iterator<Item = u32>, mut then: impl FnMut(u32, &Place)) {
        for number in places {
            if filter.passes(self, number) {
                then(number, &self.places[number as usize]);
            }
        }
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
}

/// A score with what popularity adds to it.
fn popular(score: u32, place: &Place) -> i64 {
    i64::from(score) + place.installs.min(POPULARITY.into())
}

/// Those of `scored` that can be among the first, whatever popularity adds.
fn best_of(mut scored: Vec<(u32, u32)>) -> Option<Vec<(u32, u32)>> {
    if scored.len() > FIRST {
        let (_, last, _) = scored.select_nth_unstable_by(FIRST - 1, |left, right| right.1.cmp(&left.1));
        let least = last.1.saturating_sub(POPULARITY);
        scored.retain(|(_, score)| *score >= least);
    }
    scored.shrink_to_fit();
    (scored.len() <= BEST).then_some(scored)
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
    fn offer(&mut self, key: i64, place: &Place) {
        let hit = Hit { key, id: place.id };
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
    kind: Option<u16>,
    categories: Option<Vec<u32>>,
    tag: Option<u32>,
    pricing: Option<u16>,
    vendor: Option<Uuid>,
    min_reliability: i64,
    /// Whether it asks for more than what is counted.
    of_place: bool,
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
        let (kind, pricing) = (kind.map(few), pricing.map(few));
        let (vendor, min_reliability) = (*vendor, min_reliability.unwrap_or(0));
        let of_place = vendor.is_some() || min_reliability > 0;
        let none = kind.is_none() && categories.is_none() && tag.is_none() && pricing.is_none() && !of_place;
        Some(Self { kind, categories, tag, pricing, vendor, min_reliability, of_place, none })
    }

    fn passes(&self, index: &Index, number: u32) -> bool {
        if self.none {
            return true;
        }
        let values = &index.values[number as usize];
        self.kind.is_none_or(|kind| values.kind == kind)
            && self.pricing.is_none_or(|pricing| values.pricing == pricing)
            && self.categories.as_ref().is_none_or(|categories| categories.contains(&values.category))
            && self.tag.is_none_or(|tag| values.tags(&index.dictionaries).any(|has| has == tag))
            && (!self.of_place || self.passes_place(&index.places[number as usize]))
    }

    fn passes_place(&self, place: &Place) -> bool {
        self.vendor.is_none_or(|vendor| place.vendor == vendor) && place.reliability >= self.min_reliability
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

    fn add(&mut self, index: &Index, number: u32) {
        let values = &index.values[number as usize];
        self.kind.add(values.kind.into());
        self.category.add(values.category);
        self.pricing.add(values.pricing.into());
        self.license.add(values.license);
        for tag in values.tags(&index.dictionaries) {
            self.tag.add(tag);
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
