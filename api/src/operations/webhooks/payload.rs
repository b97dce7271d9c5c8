//! `GET /admin/webhooks/{id}/payload`

use axum::{
    extract::State,
    http::{HeaderName, header},
};
use souk_app::payments;
use uuid::Uuid;

use crate::{
    Api,
    error::ApiError,
    extract::{PathParams, Privileged},
};

/// What a payment gateway sent, word for word, while it is kept. It may be personal. For admins.
#[utoipa::path(get, path = "/admin/webhooks/{id}/payload", tag = "admin",
    params(("id" = Uuid, Path, description = "Which webhook")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The body as it came", body = Object)))]
pub async fn webhook_payload(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(id): PathParams<Uuid>,
) -> Result<([(HeaderName, &'static str); 2], Vec<u8>), ApiError> {
    let body = payments::body(&api.app, &context, id.into()).await?;
    Ok(([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], body))
}
