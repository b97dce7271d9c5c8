//! `POST /admin/webhooks/{id}/retry`

use axum::{Json, extract::State};
use serde::Serialize;
use souk_app::payments;
use souk_domain::webhook::Progress;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Api,
    error::ApiError,
    extract::{PathParams, Privileged},
};

/// What came of a webhook.
#[derive(Serialize, ToSchema)]
pub struct Retried {
    /// `waiting`, `failed` or `settled`.
    state: &'static str,
    /// Why it waits, or failed.
    reason: Option<String>,
}

/// Takes in a webhook once more that waits or could not be taken in. What was taken in stays as it is. For admins.
#[utoipa::path(post, path = "/admin/webhooks/{id}/retry", tag = "admin",
    params(("id" = Uuid, Path, description = "Which webhook")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "What came of it", body = Retried)))]
pub async fn retry_webhook(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(id): PathParams<Uuid>,
) -> Result<Json<Retried>, ApiError> {
    let (state, reason) = match payments::retry(&api.app, &context, id.into()).await? {
        Progress::New => ("new", None),
        Progress::Waiting(wait) => ("waiting", Some(wait.reason)),
        Progress::Failed(reason) => ("failed", Some(reason)),
        Progress::Settled(_) => ("settled", None),
    };
    Ok(Json(Retried { state, reason }))
}
