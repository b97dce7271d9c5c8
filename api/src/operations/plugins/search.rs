//! `GET /plugins`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use souk_domain::listing::Kind;
use souk_projections::catalogue::{SearchParams, Sort};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    Api,
    answer::Ready,
    error::ApiError,
    extract::{MinPosition, QueryParams},
    operations::shared::at,
    wire::{catalogue::SearchResult, limit, vocabulary},
};

/// What to find.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct SearchQuery {
    /// Words, at most 200 characters: every one must be found; the last may be the beginning of a word.
    #[param(max_length = 200)]
    q: Option<String>,
    /// Only this kind.
    #[param(value_type = Option<vocabulary::Kind>, inline)]
    kind: Option<Kind>,
    /// Only this category, in any case.
    category: Option<String>,
    /// Only with this tag, in any case.
    tag: Option<String>,
    /// Only this way of charging.
    #[param(value_type = Option<vocabulary::PricingModel>, inline)]
    pricing: Option<PricingModel>,
    /// Only of this vendor.
    vendor: Option<Uuid>,
    /// Only from this reliability on, 0 to 100.
    #[param(maximum = 100)]
    min_reliability: Option<u8>,
    /// In which order.
    #[serde(default)]
    #[param(value_type = Option<SortOrder>, inline)]
    sort: Sort,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// How a plugin is paid.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum PricingModel {
    Free,
    OneTime,
    Subscription,
}

impl PricingModel {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::OneTime => "one_time",
            Self::Subscription => "subscription",
        }
    }
}

/// In which order plugins are shown.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a type of the read models")]
pub enum SortOrder {
    Relevance,
    Reliability,
    Rating,
    Installs,
    Newest,
}

/// Finds plugins that can be installed: full text, filters, facets.
#[utoipa::path(get, path = "/plugins", tag = "plugins", params(SearchQuery),
    responses((status = 200, description = "A page, and how all that was found is distributed", body = SearchResult)))]
pub async fn search_plugins(
    State(api): State<Api>,
    min: MinPosition,
    QueryParams(query): QueryParams<SearchQuery>,
) -> Result<Ready, ApiError> {
    let params = params(query)?;
    api.reads.search(at(&api, min), &params).await.map(Ready)
}

fn params(query: SearchQuery) -> Result<SearchParams, ApiError> {
    for (field, text) in [("q", &query.q), ("category", &query.category), ("tag", &query.tag)] {
        if text.as_ref().is_some_and(|text| text.chars().count() > 200) {
            return Err(ApiError::invalid_field(field, "must have at most 200 characters"));
        }
    }
    if query.min_reliability.is_some_and(|least| least > 100) {
        return Err(ApiError::invalid_field("minReliability", "must be 0 to 100"));
    }
    Ok(SearchParams {
        q: query.q,
        kind: query.kind.and_then(|kind| serde_json::to_value(kind).ok()?.as_str().map(str::to_owned)),
        category: query.category,
        tag: query.tag,
        pricing: query.pricing.map(|model| model.as_str().to_owned()),
        vendor: query.vendor,
        min_reliability: query.min_reliability,
        sort: query.sort,
        cursor: query.cursor,
        limit: limit(query.limit)?,
    })
}

#[cfg(test)]
mod tests {
    use utoipa::PartialSchema;

    use super::*;
    use crate::testing::World;

    #[tokio::test]
    async fn everybody_searches() {
        let answer = World::new().nobody().get("/plugins?q=log&kind=mcp_server&pricing=one_time&sort=newest").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.body["items"].is_array() && answer.body["facets"]["kind"].is_object());
        assert!(answer.body["total"].is_number() && answer.body["nextCursor"].is_null());
    }

    #[tokio::test]
    async fn what_no_search_has_is_refused() {
        let nobody = World::new().nobody();
        let long = format!("q={}", "x".repeat(201));
        for query in [
            "limit=0",
            "limit=101",
            "limit=x",
            "sort=color",
            "kind=spaceship",
            "pricing=barter",
            "minReliability=much",
            "minReliability=101",
            "vendor=acme",
            "q=%00",
            "q=%ff",
            &long,
        ] {
            let answer = nobody.get(&format!("/plugins?{query}")).await;
            assert_eq!((answer.status, answer.code()), (422, "validation_failed"), "{query}");
        }
    }

    #[test]
    fn filters_reach_the_query_in_its_words() {
        let query = SearchQuery {
            q: Some("log".to_owned()),
            kind: Some(Kind::McpServer),
            category: None,
            tag: None,
            pricing: Some(PricingModel::OneTime),
            vendor: None,
            min_reliability: Some(90),
            sort: Sort::Newest,
            cursor: None,
            limit: None,
        };
        let params = params(query).unwrap();
        assert_eq!((params.kind.as_deref(), params.pricing.as_deref()), (Some("mcp_server"), Some("one_time")));
        assert_eq!((params.min_reliability, params.sort, params.limit), (Some(90), Sort::Newest, 20));
    }

    #[test]
    fn the_orders_are_those_of_the_read_models() {
        for (schema, is_read) in [
            (SortOrder::schema(), (|word| serde_json::from_value::<Sort>(word).is_ok()) as fn(_) -> bool),
            (vocabulary::PricingModel::schema(), |word| serde_json::from_value::<PricingModel>(word).is_ok()),
        ] {
            let schema = serde_json::to_value(schema).unwrap();
            assert!(schema["enum"].as_array().unwrap().iter().cloned().all(is_read), "{schema}");
        }
    }
}
