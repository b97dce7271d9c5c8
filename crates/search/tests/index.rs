//! However an index came to be what it is, it finds what one finds that was filled anew.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use souk_search::{Figures, Hit, Index, Listing, Order, Query};
use uuid::Uuid;

/// Few, so that things share them; some with one stem, some beginning alike, some that are one mistake apart.
const WORDS: [&str; 16] = [
    "slack",
    "slackbot",
    "bot",
    "bots",
    "deploy",
    "deploying",
    "deployment",
    "kubernetes",
    "security",
    "secure",
    "café",
    "n8n",
    "invoice",
    "invoices",
    "vector",
    "vectors",
];

fn words(most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&WORDS[..]), 1..=most).prop_map(|words| words.join(" "))
}

fn listing() -> impl Strategy<Value = Listing> {
    let texts = (words(3), words(4), words(8), prop::sample::select(&["data", "Data", "tools"][..]));
    let tags = prop::collection::vec(prop::sample::select(&["One", "one", "two"][..]), 0..3);
    (texts, tags, prop::sample::select(&["skill", "agent"][..])).prop_map(|(texts, tags, kind)| {
        let (display_name, summary, description, category) = texts;
        Listing {
            display_name,
            summary,
            description,
            category: category.to_owned(),
            tags: tags.into_iter().map(ToOwned::to_owned).collect(),
            kind: kind.to_owned(),
            license: "MIT".to_owned(),
            ..Listing::default()
        }
    })
}

fn figures() -> impl Strategy<Value = Figures> {
    let pricing = prop::sample::select(&["free", "one_time"][..]);
    (any::<bool>(), 0..3_u128, pricing, 0..4_i64, 0..4_i64, 0..101_i64).prop_map(
        |(listed, vendor, pricing, installs, rating, reliability)| Figures {
            listed,
            vendor: Uuid::from_u128(vendor),
            pricing: pricing.to_owned(),
            installs,
            rating,
            reliability,
        },
    )
}

#[derive(Clone, Debug)]
enum Step {
    Put(usize, Box<Listing>, Figures),
    Set(usize, Figures),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..12_usize, listing(), figures()).prop_map(|(of, listing, figures)| Step::Put(
            of,
            Box::new(listing),
            figures
        )),
        (0..12_usize, figures()).prop_map(|(of, figures)| Step::Set(of, figures)),
    ]
}

fn id(number: usize) -> Uuid {
    Uuid::from_u128(number as u128 + 100)
}

/// Names never change, and neither does when something came.
fn named(number: usize, listing: &Listing) -> Listing {
    let name = format!("{}-{number}", WORDS[number]);
    Listing { name_key: name.clone(), name, born: i64::try_from(number).unwrap(), ..listing.clone() }
}

fn questions() -> Vec<Query> {
    let words = [
        None,
        Some("slack"),
        Some("deploy"),
        Some("deploying"),
        Some("inv"),
        Some("kubernetes security"),
        Some("bot slack"),
        Some("kubernets"),
        Some("vectr"),
        Some("xyzzyxyzzy"),
        Some("slack xyzzyxyzzy"),
        Some("SlackBot 1"),
        Some("the"),
    ];
    let orders = [Order::Relevance, Order::Reliability, Order::Rating, Order::Installs, Order::Newest];
    let all = words.into_iter().flat_map(|words| orders.map(|order| (words, order)));
    let all =
        all.map(|(words, order)| Query { words: words.map(ToOwned::to_owned), order, limit: 100, ..Query::default() });
    let one = Query { limit: 5, ..Query::default() };
    all.chain([
        Query { kind: Some("skill".to_owned()), ..one.clone() },
        Query { kind: Some("nothing".to_owned()), ..one.clone() },
        Query { category: Some("DATA".to_owned()), ..one.clone() },
        Query { tag: Some("ONE".to_owned()), words: Some("slack".to_owned()), ..one.clone() },
        Query { pricing: Some("one_time".to_owned()), ..one.clone() },
        Query { vendor: Some(Uuid::from_u128(1)), ..one.clone() },
        Query { min_reliability: Some(50), ..one.clone() },
        Query { after: Some(Hit { key: 2, id: Uuid::from_u128(105) }), ..one },
    ])
    .collect()
}

proptest! {
    #[test]
    fn changes_leave_what_filling_anew_gives(steps in prop::collection::vec(step(), 1..60)) {
        let mut changed = Index::new();
        let mut rows: BTreeMap<usize, (Listing, Figures)> = BTreeMap::new();
        for (time, step) in (1..).zip(steps) {
            match step {
                Step::Put(of, listing, figures) => {
                    let listing = named(of, &listing);
                    changed.put(id(of), &listing, time, &figures, time.unsigned_abs());
                    rows.insert(of, (listing, figures));
                }
                Step::Set(of, figures) => {
                    let known = changed.set(id(of), &figures, time.unsigned_abs());
                    prop_assert_eq!(known, rows.contains_key(&of));
                    if let Some(row) = rows.get_mut(&of) {
                        row.1 = figures;
                    }
                }
            }
        }
        let mut filled = Index::new();
        for (of, (listing, figures)) in &rows {
            filled.put(id(*of), listing, 0, figures, 0);
        }
        prop_assert_eq!(changed.len(), filled.len());
        for question in questions() {
            prop_assert_eq!(changed.search(&question), filled.search(&question), "{:?}", question);
        }
        for (of, (listing, _)) in &rows {
            prop_assert_eq!(changed.named(&listing.name_key).map(|known| known.id), Some(id(*of)));
        }
    }

    #[test]
    fn pages_meet_without_gap_or_repetition(
        rows in prop::collection::vec((listing(), figures()), 1..12),
        limit in 1..4_usize,
    ) {
        let mut index = Index::new();
        for (number, (listing, figures)) in rows.iter().enumerate() {
            index.put(id(number), &named(number, listing), 0, figures, 0);
        }
        for question in questions().into_iter().filter(|question| question.after.is_none()) {
            let whole = index.search(&Query { limit: 100, ..question.clone() });
            prop_assert_eq!(whole.hits.len(), whole.total);
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let page = index.search(&Query { after, limit, ..question.clone() });
                prop_assert_eq!(page.total, whole.total);
                let Some(last) = page.hits.last() else { break };
                after = Some(*last);
                seen.extend(page.hits);
            }
            prop_assert_eq!(seen, whole.hits);
        }
    }
}

fn plain(name: &str, display_name: &str, summary: &str, description: &str) -> Listing {
    Listing {
        name: name.to_owned(),
        name_key: name.to_owned(),
        display_name: display_name.to_owned(),
        summary: summary.to_owned(),
        description: description.to_owned(),
        ..Listing::default()
    }
}

fn shop(listings: &[Listing]) -> Index {
    let mut index = Index::new();
    for (number, listing) in listings.iter().enumerate() {
        index.put(id(number), listing, 0, &Figures { listed: true, ..Figures::default() }, 0);
    }
    index
}

fn order(index: &Index, words: &str) -> Vec<u128> {
    let found = index.search(&Query { words: Some(words.to_owned()), limit: 10, ..Query::default() });
    found.hits.iter().map(|hit| hit.id.as_u128() - 100).collect()
}

#[test]
fn names_outrank_summaries_and_those_descriptions() {
    let index = shop(&[
        plain("a", "nothing here", "also nothing", "slack"),
        plain("b", "nothing here", "for slack", "and more"),
        plain("c", "slack", "for people", "and more"),
    ]);
    assert_eq!(order(&index, "slack"), [2, 1, 0]);
}

#[test]
fn words_that_stand_together_outrank_words_that_do_not() {
    let index = shop(&[
        plain("a", "kubernetes for teams that care about uptime and about security", "x", ""),
        plain("b", "kubernetes security", "x", ""),
        plain("c", "kubernetes kubernetes kubernetes", "x", "security"),
    ]);
    assert_eq!(order(&index, "kubernetes security"), [1, 0, 2]);
}

#[test]
fn a_whole_word_outranks_the_beginning_of_another() {
    let index = shop(&[plain("a", "slacker", "x", ""), plain("b", "slack", "x", "")]);
    assert_eq!(order(&index, "slack"), [1, 0]);
    assert_eq!(order(&index, "sla").len(), 2);
}

#[test]
fn what_is_called_so_comes_first() {
    let index =
        shop(&[plain("slack-tools", "slack slack tools tools", "slack tools", ""), plain("slack", "x", "x", "")]);
    assert_eq!(order(&index, "slack"), [1, 0]);
}

#[test]
fn much_that_is_dead_asks_to_be_filled_anew() {
    let mut index = shop(&[plain("a", "x", "x", "x")]);
    assert!(!index.is_wasteful());
    for time in 0..2_000 {
        index.put(id(0), &plain("a", "x", "x", "x"), time, &Figures::default(), 0);
    }
    assert!(index.is_wasteful());
    assert_eq!(index.len(), 1);
}

#[test]
fn who_is_touched_says_when() {
    let mut index = shop(&[plain("a", "x", "x", "x"), plain("b", "x", "x", "x")]);
    index.set(id(1), &Figures { vendor: Uuid::from_u128(7), ..Figures::default() }, 3);
    let named = index.named("b").map(|known| (known.id, known.touched));
    assert_eq!((index.touched(id(0)), named, index.known(id(1))), (Some(0), Some((id(1), 3)), index.named("b")));
    index.touch_vendor(Uuid::from_u128(7), 4);
    assert_eq!((index.touched(id(0)), index.touched(id(1)), index.touched(id(9))), (Some(0), Some(4), None));
}
