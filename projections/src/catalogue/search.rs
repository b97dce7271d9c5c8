//! Finding plugins.
//!
//! Every word of a question must be found, as it is or by its stem, the last one also as the beginning of a word. When nothing
//! has them all, words that nothing has are corrected to the nearest word of a name, tag or category; when still nothing has them
//! all, plugins with any of them are shown. What is shown is published or deprecated.

use std::collections::BTreeMap;

use serde::Serialize;
use souk_projector::ReadGuard;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, Row};
use uuid::Uuid;

use super::query::{PLUGIN_COLUMNS, Plugin};
use crate::{
    QueryError,
    cursor::{self, Cursor},
    text,
};

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

/// In which order plugins are shown; ties go to the later id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// The best match first; most installed first when there are no words.
    #[default]
    Relevance,
    /// The most reliable first.
    Reliability,
    /// The best rated first, by Bayesian mean.
    Rating,
    /// The most installed first.
    Installs,
    /// The newest first.
    Newest,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchResult {
    /// One page.
    pub items: Vec<Plugin>,
    /// How many there are on all pages.
    pub total: i64,
    /// How what was found is distributed.
    pub facets: Facets,
    /// Where the next page begins; none at the end.
    pub next_cursor: Option<String>,
    /// What was looked for instead, when nothing has the words as they were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrected_query: Option<String>,
}

/// How many of the plugins found, with all filters on, have each value; the 50 most frequent. When more than
/// 10,000 were found, 10,000 of them are counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Facets {
    /// By kind.
    pub kind: BTreeMap<String, i64>,
    /// By category.
    pub category: BTreeMap<String, i64>,
    /// By tag, lower case.
    pub tag: BTreeMap<String, i64>,
    /// By way of charging.
    pub pricing: BTreeMap<String, i64>,
    /// By license.
    pub license: BTreeMap<String, i64>,
}

/// How many values a facet shows.
const FACET_VALUES: usize = 50;
/// How many plugins facets count.
const FACET_ROWS: i64 = 10_000;

/// What a question asks of documents.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Words {
    words: Vec<String>,
    every: bool,
}

/// Finds plugins.
///
/// # Errors
/// The cursor is of another search, or the read models failed.
pub async fn search(guard: &ReadGuard, params: &SearchParams) -> Result<SearchResult, QueryError> {
    let context = context(params);
    let after = Cursor::decode_optional(&context, params.cursor.as_deref())?;
    let mut connection = guard.pool().acquire().await?;
    let asked = params.q.as_deref().map(text::question).unwrap_or_default();
    if asked.is_empty() {
        let nothing_asked = params.q.as_deref().is_none_or(|q| q.trim().is_empty());
        let (total, facets) =
            if nothing_asked { count(&mut connection, params, None).await? } else { (0, Facets::default()) };
        return finish(&mut connection, params, None, after, (total, facets), &context).await;
    }
    let exact = Words { words: asked, every: true };
    let (total, facets) = count(&mut connection, params, Some(&exact)).await?;
    if total > 0 {
        return finish(&mut connection, params, Some(&exact), after, (total, facets), &context).await;
    }
    let corrected = correct(&mut connection, &exact.words).await?;
    for every in [true, false] {
        let words = Words { words: corrected.clone(), every };
        if words.words.is_empty() || words == exact {
            continue;
        }
        let (total, facets) = count(&mut connection, params, Some(&words)).await?;
        if total > 0 {
            let mut found = finish(&mut connection, params, Some(&words), after, (total, facets), &context).await?;
            found.corrected_query = (corrected != exact.words).then(|| corrected.join(" "));
            return Ok(found);
        }
    }
    finish(&mut connection, params, Some(&exact), after, (0, Facets::default()), &context).await
}

/// Everything that selects and orders, so that a cursor is good for one search only.
fn context(params: &SearchParams) -> String {
    let SearchParams { q, kind, category, tag, pricing, vendor, min_reliability, sort, cursor: _, limit: _ } = params;
    format!("search {q:?} {kind:?} {category:?} {tag:?} {pricing:?} {vendor:?} {min_reliability:?} {sort:?}")
}

async fn finish(
    connection: &mut PgConnection,
    params: &SearchParams,
    words: Option<&Words>,
    after: Option<Cursor>,
    (total, facets): (i64, Facets),
    context: &str,
) -> Result<SearchResult, QueryError> {
    let hits = if total == 0 { Vec::new() } else { hits(connection, params, words, after).await? };
    let limit = page_size(params);
    let page = cursor::page(hits, limit, context, |hit| Cursor { key: hit.key, id: hit.plugin.id }, |hit| hit.plugin);
    Ok(SearchResult { items: page.items, total, facets, next_cursor: page.next_cursor, corrected_query: None })
}

fn page_size(params: &SearchParams) -> usize {
    params.limit.clamp(1, 100) as usize
}

struct Hit {
    plugin: Plugin,
    key: i64,
}

/// One plugin more than a page holds, to know whether there is another page.
async fn hits(
    connection: &mut PgConnection,
    params: &SearchParams,
    words: Option<&Words>,
    after: Option<Cursor>,
) -> Result<Vec<Hit>, QueryError> {
    let mut sql = QueryBuilder::new("WITH ");
    push_query(&mut sql, words);
    sql.push("hit AS MATERIALIZED (SELECT * FROM (SELECT r.plugin_id, ");
    push_key(&mut sql, params, words);
    sql.push(" AS sort_key ");
    push_matches(&mut sql, params, words);
    sql.push(") found");
    if let Some(after) = after {
        sql.push(" WHERE (sort_key, plugin_id) < (").push_bind(after.key).push(", ").push_bind(after.id).push(")");
    }
    sql.push(" ORDER BY sort_key DESC, plugin_id DESC LIMIT ")
        .push_bind(i64::try_from(page_size(params) + 1).unwrap_or(101));
    sql.push(") SELECT hit.sort_key, ").push(PLUGIN_COLUMNS);
    sql.push(" JOIN hit ON hit.plugin_id = p.plugin_id ORDER BY hit.sort_key DESC, hit.plugin_id DESC");
    let rows = sql.build().fetch_all(connection).await?;
    rows.iter()
        .map(|row| Ok(Hit { plugin: Plugin::from_row(row)?, key: row.try_get("sort_key")? }))
        .collect::<Result<_, sqlx::Error>>()
        .map_err(QueryError::from)
}

/// The query is evaluated once, whatever plan is chosen.
fn push_query(sql: &mut QueryBuilder<Postgres>, words: Option<&Words>) {
    if let Some(words) = words {
        sql.push("asked AS MATERIALIZED (SELECT catalogue_query(").push_bind(words.words.clone());
        sql.push(", true, ").push_bind(words.every).push(") AS query), ");
    }
}

fn push_key(sql: &mut QueryBuilder<Postgres>, params: &SearchParams, words: Option<&Words>) {
    match (params.sort, words) {
        (Sort::Relevance, Some(words)) => {
            // A name that is the question outranks every other match; popularity parts what matches equally well.
            let joined = words.words.join(" ");
            sql.push("((ts_rank('{0.05, 0.1, 0.4, 1.0}', d.head, asked.query) * 1000000)::bigint + CASE WHEN d.name_words = ");
            sql.push_bind(joined).push(" THEN 10000000 ELSE 0 END + LEAST(r.installs, 9999))");
        }
        (Sort::Relevance | Sort::Installs, _) => {
            sql.push("r.installs");
        }
        (Sort::Reliability, _) => {
            sql.push("coalesce(r.reliability, 0)::bigint");
        }
        (Sort::Rating, _) => {
            sql.push("r.rating_rank");
        }
        (Sort::Newest, _) => {
            sql.push("r.position");
        }
    }
}

/// `FROM … WHERE …` of the plugins that match.
fn push_matches(sql: &mut QueryBuilder<Postgres>, params: &SearchParams, words: Option<&Words>) {
    if words.is_some() {
        sql.push(
            "FROM asked JOIN catalogue_document d ON d.document @@ asked.query \
             JOIN catalogue_rank r ON r.plugin_id = d.plugin_id WHERE r.listed",
        );
    } else {
        sql.push("FROM catalogue_rank r WHERE r.listed");
    }
    if let Some(kind) = &params.kind {
        sql.push(" AND r.kind = ").push_bind(kind.clone());
    }
    if let Some(category) = &params.category {
        sql.push(" AND lower(r.category) = lower(").push_bind(category.clone()).push(")");
    }
    if let Some(tag) = &params.tag {
        sql.push(" AND r.tags @> ARRAY[").push_bind(tag.to_lowercase()).push("]");
    }
    if let Some(pricing) = &params.pricing {
        sql.push(" AND r.pricing_model = ").push_bind(pricing.clone());
    }
    if let Some(vendor) = params.vendor {
        sql.push(" AND r.plugin_id IN (SELECT plugin_id FROM catalogue_plugin WHERE vendor_id = ")
            .push_bind(vendor)
            .push(")");
    }
    if let Some(least) = params.min_reliability {
        sql.push(" AND coalesce(r.reliability, 0)::bigint >= ").push_bind(i64::from(least));
    }
}

/// How many plugins match, and their facets.
async fn count(
    connection: &mut PgConnection,
    params: &SearchParams,
    words: Option<&Words>,
) -> Result<(i64, Facets), QueryError> {
    let mut sql = QueryBuilder::new("WITH ");
    push_query(&mut sql, words);
    sql.push("matched AS MATERIALIZED (SELECT r.kind, r.category, r.license, r.pricing_model, r.tags ");
    push_matches(&mut sql, params, words);
    sql.push(" LIMIT ").push_bind(FACET_ROWS + 1).push(") ").push(include_str!("facets.sql"));
    let rows: Vec<(String, String, i64)> = sql.build_query_as().fetch_all(&mut *connection).await?;
    let mut total = 0;
    let mut facets = Facets::default();
    for (facet, value, plugins) in rows {
        let values = match facet.as_str() {
            "kind" => &mut facets.kind,
            "category" => &mut facets.category,
            "license" => &mut facets.license,
            "pricing" => &mut facets.pricing,
            "tag" => &mut facets.tag,
            _ => {
                total = plugins;
                continue;
            }
        };
        if values.len() < FACET_VALUES {
            values.insert(value, plugins);
        }
    }
    if total > FACET_ROWS {
        let mut sql = QueryBuilder::new("WITH ");
        push_query(&mut sql, words);
        sql.push("counted AS (SELECT count(*) AS n ");
        push_matches(&mut sql, params, words);
        sql.push(") SELECT n FROM counted");
        total = sql.build_query_scalar().fetch_one(connection).await?;
    }
    Ok((total, facets))
}

/// `words` with those that no document has replaced by the word that was most likely meant; left out when there is none.
async fn correct(connection: &mut PgConnection, words: &[String]) -> Result<Vec<String>, QueryError> {
    let known: Vec<bool> =
        sqlx::query_scalar(include_str!("known_words.sql")).bind(words).fetch_all(&mut *connection).await?;
    let mut corrected = Vec::new();
    for (word, known) in words.iter().zip(known) {
        if known {
            corrected.push(word.clone());
            continue;
        }
        let near: Vec<(String, i64)> =
            sqlx::query_as(include_str!("near_words.sql")).bind(word).fetch_all(&mut *connection).await?;
        corrected.extend(nearest(word, near));
    }
    corrected.dedup();
    Ok(corrected)
}

/// The candidate with the fewest mistakes, among those the most used one. Short words are not guessed at.
fn nearest(word: &str, candidates: Vec<(String, i64)>) -> Option<String> {
    let allowed = match word.chars().count() {
        0..=3 => return None,
        4..=7 => 1,
        _ => 2,
    };
    candidates
        .into_iter()
        .map(|(candidate, uses)| (text::distance(word, &candidate), std::cmp::Reverse(uses), candidate))
        .filter(|(mistakes, ..)| *mistakes <= allowed)
        .min()
        .map(|(.., candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_has_the_fewest_mistakes_then_the_most_uses() {
        let candidates = || vec![("slab".to_owned(), 1), ("slack".to_owned(), 40), ("flask".to_owned(), 90)];
        assert_eq!(nearest("slak", candidates()), Some("slack".to_owned()));
        assert_eq!(nearest("sla", candidates()), None);
        assert_eq!(nearest("zzzz", candidates()), None);
    }
}
