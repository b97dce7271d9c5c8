//! `GET /vendors/{id}/statement`

use axum::extract::State;
use serde::Deserialize;
use souk_app::vendors;
use souk_domain::money::Currency;
use utoipa::IntoParams;

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, PathParams, Privileged, QueryParams},
    operations::shared::{at, span, vendor_id},
    wire::csv::Table,
};

/// Of which days and which currency.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatementQuery {
    /// The first UTC day, or a time in it; from the beginning when absent.
    #[param(example = "2026-01-01")]
    from: Option<String>,
    /// The last UTC day, or a time in it; until now when absent.
    #[param(example = "2026-12-31")]
    to: Option<String>,
    /// Of which currency.
    #[param(value_type = String, example = "USD")]
    currency: Currency,
}

/// What happened to a vendor's balance, as a table (RFC 4180). For its owner and admins.
///
/// The first row after the names is the opening balance, the last one the closing balance. Amounts are there in minor units and as decimal
/// numbers. More than 50,000 entries are refused with 422.
#[utoipa::path(get, path = "/vendors/{id}/statement", tag = "vendors",
    params(("id" = String, Path, description = "Id or slug"), StatementQuery), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The statement", body = String, content_type = "text/csv")))]
pub async fn vendor_statement(
    State(api): State<Api>,
    Privileged(context): Privileged,
    min: MinPosition,
    PathParams(vendor): PathParams<String>,
    QueryParams(query): QueryParams<StatementQuery>,
) -> Result<Table, ApiError> {
    let span = span(query.from.as_deref(), query.to.as_deref())?;
    let vendor = vendor_id(&api, &vendor).await?;
    let vendor = vendors::require_owner(&api.app, &context, vendor).await?.value;
    let body = api.reads.statement(at(&api, min), vendor.id.uuid(), &span, query.currency).await?;
    Ok(Table { body, name: format!("statement-{}-{}.csv", vendor.slug, query.currency.code()) })
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn a_statement_is_a_table() {
        let world = World::new();
        let seller = world.seller("acme").await;
        let path = "/vendors/acme/statement?from=2026-01-01&to=2026-01-31&currency=JPY";
        let answer = seller.person.get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/csv; charset=utf-8; header=present"));
        assert_eq!(answer.header("content-disposition"), "attachment; filename=\"statement-acme-JPY.csv\"");
        let lines: Vec<&str> = answer.text.split("\r\n").collect();
        assert_eq!((lines.len(), lines[3]), (4, ""));
        assert!(lines[1].starts_with("2026-01-01,opening_balance,") && lines[1].ends_with(",0,0"), "{}", lines[1]);
        assert!(lines[2].starts_with("2026-01-31,closing_balance,"), "{}", lines[2]);
        assert_eq!(world.admin().await.get(path).await.status, 200);
        assert_eq!(world.person("stranger").await.get(path).await.status, 403);
        assert_eq!(world.nobody().get(path).await.status, 401);
    }

    #[tokio::test]
    async fn a_statement_is_of_one_currency() {
        let world = World::new();
        let seller = world.seller("acme").await;
        for query in ["", "?currency=gold", "?currency=USD&from=2026-02-01&to=2026-01-01"] {
            let answer = seller.person.get(&format!("/vendors/acme/statement{query}")).await;
            assert_eq!((answer.status, answer.code()), (422, "validation_failed"), "{query}");
        }
    }
}
