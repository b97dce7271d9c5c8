//! `GET /admin/partners/{id}`

use axum::{Json, extract::State};
use souk_app::partners;
use uuid::Uuid;

use crate::{
    Api,
    error::ApiError,
    extract::{PathParams, Privileged},
    wire::partner::Partner,
};

/// One partner. For admins.
#[utoipa::path(get, path = "/admin/partners/{id}", tag = "admin",
    params(("id" = Uuid, Path, description = "Which partner")),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The partner", body = Partner)))]
pub async fn get_partner(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(id): PathParams<Uuid>,
) -> Result<Json<Partner>, ApiError> {
    let overview = partners::inspect(&api.app, &context, id.into()).await?;
    Ok(Json(Partner::of(overview, api.streams.of(id.into()))))
}
