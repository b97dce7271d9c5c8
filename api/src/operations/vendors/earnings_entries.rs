//! `GET /vendors/{id}/earnings/entries`

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_app::vendors;
use souk_domain::money::Currency;
use souk_projections::earnings::Span;
use utoipa::IntoParams;

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, PathParams, Privileged, QueryParams},
    operations::shared::{at, span, vendor_id},
    reads::Window,
    wire::{List, earnings::EarningsEntry, limit},
};

/// Which transactions are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EntriesQuery {
    /// The first UTC day, or a time in it; from the beginning when absent.
    #[param(example = "2026-01-01")]
    from: Option<String>,
    /// The last UTC day, or a time in it; until now when absent.
    #[param(example = "2026-12-31")]
    to: Option<String>,
    /// Of which currency; of all when absent.
    #[param(value_type = Option<String>, example = "USD")]
    currency: Option<Currency>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// What a vendor's balances are made of, the newest first. For its owner and admins.
#[utoipa::path(get, path = "/vendors/{id}/earnings/entries", tag = "vendors",
    params(("id" = String, Path, description = "Id or slug"), EntriesQuery), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "A page", body = List<EarningsEntry>)))]
pub async fn vendor_earnings_entries(
    State(api): State<Api>,
    Privileged(context): Privileged,
    min: MinPosition,
    PathParams(vendor): PathParams<String>,
    QueryParams(query): QueryParams<EntriesQuery>,
) -> Result<Json<List<EarningsEntry>>, ApiError> {
    let currency = query.currency.map(|currency| currency.code().to_owned());
    let span = Span { currency, ..span(query.from.as_deref(), query.to.as_deref())? };
    let page = Window { limit: limit(query.limit)?, cursor: query.cursor };
    let vendor = vendor_id(&api, &vendor).await?;
    vendors::require_owner(&api.app, &context, vendor).await?;
    api.reads.earnings_entries(at(&api, min), vendor.uuid(), &span, page).await.map(Json)
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn odd_questions_are_refused() {
        let world = World::new();
        let seller = world.seller("acme").await;
        for query in ["from=yesterday", "to=-1", "currency=gold", "limit=0", "from=2026-02-01&to=2026-01-01"] {
            let answer = seller.person.get(&format!("/vendors/acme/earnings/entries?{query}")).await;
            assert_eq!((answer.status, answer.code()), (422, "validation_failed"), "{query}");
        }
        let answer = seller.person.get("/vendors/acme/earnings/entries?from=2026-01-01&currency=USD&limit=100").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}
