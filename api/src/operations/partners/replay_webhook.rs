//! `POST /partners/me/webhooks/{id}/replay`

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_app::partners::hooks;
use souk_ports::Position;
use utoipa::ToSchema;
use uuid::Uuid;

use super::shown;
use crate::{
    Api,
    error::ApiError,
    extract::{JsonBody, PartnerCaller, PathParams},
    operations::events::check_start,
    wire::partner::PartnerWebhook,
};

/// From where.
#[derive(Deserialize, ToSchema)]
pub struct ReplayBody {
    /// It is told what came behind this position.
    after: Position,
}

/// Tells a webhook again what came behind a position, under the same `webhook-id` as the first time.
#[utoipa::path(post, path = "/partners/me/webhooks/{id}/replay", tag = "partners", request_body = ReplayBody,
    params(("id" = Uuid, Path, description = "Which webhook")), security(("partnerKey" = [])),
    responses((status = 200, description = "The webhook", body = PartnerWebhook),
        (status = 400, description = "`cursor_ahead`")))]
pub async fn replay_partner_webhook(
    State(api): State<Api>,
    caller: PartnerCaller,
    PathParams(id): PathParams<Uuid>,
    JsonBody(body): JsonBody<ReplayBody>,
) -> Result<Json<PartnerWebhook>, ApiError> {
    let partner = caller.active()?;
    check_start(&api, body.after).await?;
    let hook = hooks::replay(&api.app, partner, id, body.after).await?;
    Ok(Json(shown(&api, hook).await?))
}
