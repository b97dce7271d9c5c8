//! Finding plugins. How is in the crate `souk-search`; what is shown is published or deprecated.

use std::sync::Arc;

use bytes::Bytes;
pub use souk_search::Order as Sort;
use souk_search::{Facets, Hit, Query};
use uuid::Uuid;

use super::showcase::Shelf;
use crate::{QueryError, cursor::Cursor};

/// What to find.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchParams {
    /// Words; all plugins when there are none.
    pub q: Option<String>,
    /// Only this kind, e.g. `mcp_server`.
    pub kind: Option<String>,
    /// Only this category, in any case.
    pub category: Option<String>,
    /// Only with this tag, in any case.
    pub tag: Option<String>,
    /// Only this way of charging: `free`, `one_time` or `subscription`.
    pub pricing: Option<String>,
    /// Only of this vendor.
    pub vendor: Option<Uuid>,
    /// Only from this reliability on.
    pub min_reliability: Option<u8>,
    /// In which order.
    pub sort: Sort,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// How many, 1 to 100.
    pub limit: u32,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchResult {
    /// One page, each plugin as its own page shows it.
    pub items: Vec<Bytes>,
    /// How many there are on all pages.
    pub total: usize,
    /// How what was found is distributed.
    pub facets: Arc<Facets>,
    /// Where the next page begins; none at the end.
    pub next_cursor: Option<String>,
    /// What was looked for instead, when nothing has the words as they were given.
    pub corrected_query: Option<String>,
}

impl Shelf {
    /// Finds plugins.
    ///
    /// # Errors
    /// The cursor is of another search, or the read models failed.
    pub async fn search(&self, params: &SearchParams) -> Result<SearchResult, QueryError> {
        let context = context(params);
        let after = Cursor::decode_optional(&context, params.cursor.as_deref())?;
        let limit = params.limit.clamp(1, 100) as usize;
        // One more than a page holds, to know whether there is another page.
        let (matches, hits, items) = self.find(&query(params, after, limit + 1), 1).await?;
        let last = hits.get(limit).and(hits.get(limit - 1));
        let next_cursor = last.map(|hit| Cursor { key: hit.key, id: hit.id }.encode(&context));
        let (total, facets, corrected_query) = (matches.total, Arc::clone(&matches.facets), matches.corrected.clone());
        Ok(SearchResult { items, total, facets, next_cursor, corrected_query })
    }
}

fn query(params: &SearchParams, after: Option<Cursor>, limit: usize) -> Query {
    Query {
        words: params.q.clone(),
        kind: params.kind.clone(),
        category: params.category.clone(),
        tag: params.tag.clone(),
        pricing: params.pricing.clone(),
        vendor: params.vendor,
        min_reliability: params.min_reliability.map(i64::from),
        order: params.sort,
        after: after.map(|Cursor { key, id }| Hit { key, id }),
        limit,
    }
}

/// Everything that selects and orders, so that a cursor is good for one search only.
fn context(params: &SearchParams) -> String {
    let SearchParams { q, kind, category, tag, pricing, vendor, min_reliability, sort, cursor: _, limit: _ } = params;
    format!("search {q:?} {kind:?} {category:?} {tag:?} {pricing:?} {vendor:?} {min_reliability:?} {sort:?}")
}
