//! `GET /vendors/{id}/analytics`

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_app::vendors;
use souk_domain::money::Currency;
use souk_projections::vendor_analytics::{AnalyticsParams, Granularity};
use utoipa::IntoParams;

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, PathParams, Privileged, QueryParams},
    operations::shared::{at, day, vendor_id},
    wire::analytics::Analytics,
};

/// Which figures are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AnalyticsQuery {
    /// The first UTC day, or a time in it; from the beginning when absent.
    #[param(example = "2026-01-01")]
    from: Option<String>,
    /// The last UTC day, or a time in it; until today when absent.
    #[param(example = "2026-12-31")]
    to: Option<String>,
    /// How wide the steps of the series are.
    #[serde(default)]
    #[param(value_type = Option<String>, pattern = "^(day|week|month)$")]
    granularity: Granularity,
    /// Of which currency the amounts are; the one with most orders when absent.
    #[param(value_type = Option<String>, example = "USD")]
    currency: Option<Currency>,
}

/// The figures of a vendor. For its owner and admins.
#[utoipa::path(get, path = "/vendors/{id}/analytics", tag = "vendors",
    params(("id" = String, Path, description = "Id or slug"), AnalyticsQuery), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The figures", body = Analytics)))]
pub async fn vendor_analytics(
    State(api): State<Api>,
    Privileged(context): Privileged,
    min: MinPosition,
    PathParams(vendor): PathParams<String>,
    QueryParams(query): QueryParams<AnalyticsQuery>,
) -> Result<Json<Analytics>, ApiError> {
    let params = AnalyticsParams {
        from: day("from", query.from.as_deref())?,
        to: day("to", query.to.as_deref())?,
        granularity: query.granularity,
        currency: query.currency.map(|currency| currency.code().to_owned()),
    };
    let vendor = vendor_id(&api, &vendor).await?;
    vendors::require_owner(&api.app, &context, vendor).await?;
    api.reads.analytics(at(&api, min), vendor.uuid(), &params).await.map(Json)
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn a_vendor_and_admins_see_the_figures() {
        let world = World::new();
        let seller = world.seller("acme").await;
        let path = "/vendors/acme/analytics?from=2026-01-01&granularity=month&currency=USD";
        assert_eq!(seller.person.get(path).await.status, 200);
        assert_eq!(world.admin().await.get(path).await.status, 200);
        assert_eq!(world.person("stranger").await.get(path).await.status, 403);
        assert_eq!(world.nobody().get(path).await.status, 401);
    }

    #[tokio::test]
    async fn odd_spans_are_refused() {
        let world = World::new();
        let seller = world.seller("acme").await;
        for query in ["from=yesterday", "to=-262143-01-01T00:00:00Z", "granularity=century", "currency=gold"] {
            let answer = seller.person.get(&format!("/vendors/acme/analytics?{query}")).await;
            assert_eq!((answer.status, answer.code()), (422, "validation_failed"), "{query}");
        }
    }
}
