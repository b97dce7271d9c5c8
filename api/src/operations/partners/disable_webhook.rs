//! `POST /partners/me/webhooks/{id}/disable`

use axum::{Json, extract::State};
use souk_app::partners::hooks;
use uuid::Uuid;

use super::shown;
use crate::{
    Api,
    error::ApiError,
    extract::{PartnerCaller, PathParams},
    wire::partner::PartnerWebhook,
};

/// Lets a webhook not be called until it is enabled. It misses nothing.
#[utoipa::path(post, path = "/partners/me/webhooks/{id}/disable", tag = "partners",
    params(("id" = Uuid, Path, description = "Which webhook")), security(("partnerKey" = [])),
    responses((status = 200, description = "The webhook", body = PartnerWebhook)))]
pub async fn disable_partner_webhook(
    State(api): State<Api>,
    caller: PartnerCaller,
    PathParams(id): PathParams<Uuid>,
) -> Result<Json<PartnerWebhook>, ApiError> {
    let hook = hooks::set_enabled(&api.app, caller.active()?, id, false).await?;
    Ok(Json(shown(&api, hook).await?))
}
