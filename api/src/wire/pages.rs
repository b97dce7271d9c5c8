//! Pages and answers to searches as bytes, as they are kept and sent.

use std::sync::Arc;

use serde::Serialize;
use souk_projections::catalogue as rows;

use super::catalogue::Plugin;

/// A plugin's page, as bytes.
#[must_use]
pub fn page(row: rows::Plugin) -> Vec<u8> {
    json(&Plugin::from(row))
}

/// A [`SearchResult`](super::catalogue::SearchResult), as bytes: its items are bytes already.
#[must_use]
pub fn search_result(found: &rows::SearchResult) -> Vec<u8> {
    #[derive(Serialize)]
    struct Counted<'a> {
        kind: Counts<'a>,
        category: Counts<'a>,
        tag: Counts<'a>,
        pricing: Counts<'a>,
        license: Counts<'a>,
    }
    let rows::Facets { kind, category, tag, pricing, license } = found.facets.as_ref();
    let facets = Counted {
        kind: Counts(kind),
        category: Counts(category),
        tag: Counts(tag),
        pricing: Counts(pricing),
        license: Counts(license),
    };
    let size: usize = found.items.iter().map(|item| item.len() + 1).sum();
    let mut body = Vec::with_capacity(size + 4_096);
    body.extend_from_slice(b"{\"items\":[");
    for (number, item) in found.items.iter().enumerate() {
        if number > 0 {
            body.push(b',');
        }
        body.extend_from_slice(item);
    }
    for (field, value) in [("],\"total\":", json(&found.total)), (",\"facets\":", json(&facets))] {
        body.extend_from_slice(field.as_bytes());
        body.extend_from_slice(&value);
    }
    body.extend_from_slice(b",\"nextCursor\":");
    body.extend_from_slice(&json(&found.next_cursor));
    if let Some(corrected) = &found.corrected_query {
        body.extend_from_slice(b",\"correctedQuery\":");
        body.extend_from_slice(&json(corrected));
    }
    body.push(b'}');
    body
}

/// Counts of a facet, as an object.
struct Counts<'a>(&'a [(Arc<str>, i64)]);

impl Serialize for Counts<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(value, count)| (value, count)))
    }
}

/// Types of the wire have no key that is no text, and nothing else keeps them from being JSON.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_else(|_| b"null".to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::catalogue::{Facets, SearchResult};

    #[test]
    fn what_a_search_found_is_written_as_it_is_described() {
        let counts = |counts: &[(&str, i64)]| counts.iter().map(|(value, n)| (Arc::from(*value), *n)).collect();
        let map = |counts: &[(&str, i64)]| counts.iter().map(|(value, n)| ((*value).to_owned(), *n)).collect();
        for corrected in [None, Some("a \"b\"".to_owned())] {
            let found = rows::SearchResult {
                items: Vec::new(),
                total: 3,
                facets: Arc::new(rows::Facets {
                    kind: counts(&[("agent", 2), ("skill", 1)]),
                    category: counts(&[("\"odd\"", 3)]),
                    ..rows::Facets::default()
                }),
                next_cursor: corrected.clone(),
                corrected_query: corrected.clone(),
            };
            let facets = Facets {
                kind: map(&[("agent", 2), ("skill", 1)]),
                category: map(&[("\"odd\"", 3)]),
                ..Facets::default()
            };
            let (next_cursor, corrected_query) = (corrected.clone(), corrected);
            let described = SearchResult { items: Vec::new(), total: 3, facets, next_cursor, corrected_query };
            assert_eq!(String::from_utf8(search_result(&found)).unwrap(), serde_json::to_string(&described).unwrap());
        }
    }

    #[test]
    fn items_are_joined_as_they_are() {
        let items = [&b"{\"id\":1}"[..], b"{\"id\":2}"].map(bytes::Bytes::from_static).to_vec();
        let found =
            rows::SearchResult { items, total: 2, facets: Arc::default(), next_cursor: None, corrected_query: None };
        let body: serde_json::Value = serde_json::from_slice(&search_result(&found)).unwrap();
        assert_eq!(body["items"], serde_json::json!([{"id": 1}, {"id": 2}]));
    }
}
