//! `GET /vendors/{id}/invoices`

use axum::{Json, extract::State};
use souk_app::vendors;

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, PathParams, Privileged, QueryParams},
    operations::shared::{at, vendor_id},
    reads::Window,
    wire::{List, Paging, earnings::Invoice, limit},
};

/// The invoices and credit notes of a vendor, the newest first. For its owner and admins.
#[utoipa::path(get, path = "/vendors/{id}/invoices", tag = "vendors",
    params(("id" = String, Path, description = "Id or slug"), Paging), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "A page", body = List<Invoice>)))]
pub async fn vendor_invoices(
    State(api): State<Api>,
    Privileged(context): Privileged,
    min: MinPosition,
    PathParams(vendor): PathParams<String>,
    QueryParams(paging): QueryParams<Paging>,
) -> Result<Json<List<Invoice>>, ApiError> {
    let page = Window { limit: limit(paging.limit)?, cursor: paging.cursor };
    let vendor = vendor_id(&api, &vendor).await?;
    vendors::require_owner(&api.app, &context, vendor).await?;
    api.reads.vendor_invoices(at(&api, min), vendor.uuid(), page).await.map(Json)
}
