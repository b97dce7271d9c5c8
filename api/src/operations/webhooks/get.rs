//! `GET /admin/webhooks/{id}`

use axum::{Json, extract::State};
use uuid::Uuid;

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, PathParams, Privileged},
    operations::{admin::require_admin, shared::at},
    wire::webhook::Webhook,
};

/// Something that a payment gateway told, and what came of it. For admins.
#[utoipa::path(get, path = "/admin/webhooks/{id}", tag = "admin", params(("id" = Uuid, Path, description = "Which webhook")),
    security(("bearer" = []), ("apiKey" = [])), responses((status = 200, description = "The webhook", body = Webhook)))]
pub async fn get_webhook(
    State(api): State<Api>,
    Privileged(context): Privileged,
    min: MinPosition,
    PathParams(id): PathParams<Uuid>,
) -> Result<Json<Webhook>, ApiError> {
    require_admin(&context)?;
    let found = api.reads.webhook(at(&api, min), id).await?;
    found.map(Json).ok_or_else(|| ApiError::not_found("this webhook"))
}
