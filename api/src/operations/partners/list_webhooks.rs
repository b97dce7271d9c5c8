//! `GET /partners/me/webhooks`

use axum::{Json, extract::State};
use souk_app::partners::hooks;

use crate::{
    Api,
    error::ApiError,
    extract::PartnerCaller,
    wire::{List, partner::PartnerWebhook},
};

/// The webhooks of whoever asks, the oldest first.
#[utoipa::path(get, path = "/partners/me/webhooks", tag = "partners", security(("partnerKey" = [])),
    responses((status = 200, description = "All of them", body = List<PartnerWebhook>)))]
pub async fn list_partner_webhooks(
    State(api): State<Api>,
    caller: PartnerCaller,
) -> Result<Json<List<PartnerWebhook>>, ApiError> {
    let found = hooks::list(&api.app, caller.active()?).await?;
    let head = api.app.public().head().await?;
    Ok(Json(List::whole(found.into_iter().map(|hook| PartnerWebhook::of(hook, head)).collect())))
}
