//! `GET /partners/me/webhooks/{id}`

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

/// One webhook.
#[utoipa::path(get, path = "/partners/me/webhooks/{id}", tag = "partners",
    params(("id" = Uuid, Path, description = "Which webhook")), security(("partnerKey" = [])),
    responses((status = 200, description = "The webhook", body = PartnerWebhook)))]
pub async fn get_partner_webhook(
    State(api): State<Api>,
    caller: PartnerCaller,
    PathParams(id): PathParams<Uuid>,
) -> Result<Json<PartnerWebhook>, ApiError> {
    let hook = hooks::get(&api.app, caller.active()?, id).await?;
    Ok(Json(shown(&api, hook).await?))
}
