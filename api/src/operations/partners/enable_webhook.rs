//! `POST /partners/me/webhooks/{id}/enable`

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

/// Lets a webhook be called again, from where it was.
#[utoipa::path(post, path = "/partners/me/webhooks/{id}/enable", tag = "partners",
    params(("id" = Uuid, Path, description = "Which webhook")), security(("partnerKey" = [])),
    responses((status = 200, description = "The webhook", body = PartnerWebhook)))]
pub async fn enable_partner_webhook(
    State(api): State<Api>,
    caller: PartnerCaller,
    PathParams(id): PathParams<Uuid>,
) -> Result<Json<PartnerWebhook>, ApiError> {
    let hook = hooks::set_enabled(&api.app, caller.active()?, id, true).await?;
    Ok(Json(shown(&api, hook).await?))
}
