//! `GET /admin/partners`

use axum::{Json, extract::State};
use souk_app::partners;
use uuid::Uuid;

use crate::{
    Api,
    error::ApiError,
    extract::{Privileged, QueryParams},
    wire::{List, Paging, limit, partner::Partner},
};

/// All partners, in order of their ids: what they may see, how far each has read, and where their webhooks stand. For admins.
#[utoipa::path(get, path = "/admin/partners", tag = "admin", params(Paging),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "A page", body = List<Partner>)))]
pub async fn list_partners(
    State(api): State<Api>,
    Privileged(context): Privileged,
    QueryParams(paging): QueryParams<Paging>,
) -> Result<Json<List<Partner>>, ApiError> {
    let limit = limit(paging.limit)? as usize;
    let after = paging.cursor.map(|text| text.parse::<Uuid>());
    let after = after.transpose().map_err(|_| ApiError::invalid_field("cursor", "must be that of the page before"))?;
    let (found, next) = partners::list(&api.app, &context, after.map(Into::into), limit).await?;
    let shown = found.into_iter().map(|overview| {
        let streams = api.streams.of(overview.partner.id);
        Partner::of(overview, streams)
    });
    Ok(Json(List { items: shown.collect(), next_cursor: next.map(|id| id.to_string()) }))
}
