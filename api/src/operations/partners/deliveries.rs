//! `GET /partners/me/webhooks/{id}/deliveries`

use axum::{Json, extract::State};
use souk_app::partners::hooks;
use uuid::Uuid;

use crate::{
    Api,
    error::ApiError,
    extract::{PartnerCaller, PathParams, QueryParams},
    wire::{List, Paging, limit, partner::WebhookDelivery},
};

/// Attempts to call a webhook, the newest first. They are kept for 30 days.
#[utoipa::path(get, path = "/partners/me/webhooks/{id}/deliveries", tag = "partners",
    params(("id" = Uuid, Path, description = "Which webhook"), Paging), security(("partnerKey" = [])),
    responses((status = 200, description = "A page", body = List<WebhookDelivery>)))]
pub async fn partner_webhook_deliveries(
    State(api): State<Api>,
    caller: PartnerCaller,
    PathParams(id): PathParams<Uuid>,
    QueryParams(paging): QueryParams<Paging>,
) -> Result<Json<List<WebhookDelivery>>, ApiError> {
    let limit = limit(paging.limit)? as usize;
    let before = paging.cursor.map(|text| text.parse::<u64>());
    let before =
        before.transpose().map_err(|_| ApiError::invalid_field("cursor", "must be that of the page before"))?;
    let mut found = hooks::deliveries(&api.app, caller.active()?, id, before, limit + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(number, _)| number.to_string());
    Ok(Json(List::of(found.into_iter().map(|(_, delivery)| delivery).collect::<Vec<_>>(), next)))
}
