//! `GET /admin/webhooks`

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, Privileged, QueryParams},
    operations::{admin::require_admin, shared::at},
    reads::Window,
    wire::{
        List, limit,
        webhook::{Webhook, WebhookState},
    },
};

/// Which webhooks.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WebhookQuery {
    /// Only those that stand there.
    #[serde(default)]
    #[param(inline)]
    state: Option<WebhookState>,
    /// Only those of which that came: `applied`, `nothing_new`, `ignored` or `unmatched`.
    #[serde(default)]
    outcome: Option<String>,
    /// `nextCursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
    /// How many, 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// What payment gateways told, the newest first, and what came of it. For admins.
#[utoipa::path(get, path = "/admin/webhooks", tag = "admin", params(WebhookQuery),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "A page", body = List<Webhook>)))]
pub async fn list_webhooks(
    State(api): State<Api>,
    Privileged(context): Privileged,
    min: MinPosition,
    QueryParams(query): QueryParams<WebhookQuery>,
) -> Result<Json<List<Webhook>>, ApiError> {
    require_admin(&context)?;
    if let Some(outcome) = &query.outcome
        && !["applied", "nothing_new", "ignored", "unmatched"].contains(&outcome.as_str())
    {
        return Err(ApiError::invalid_field("outcome", "must be applied, nothing_new, ignored or unmatched"));
    }
    let page = Window { limit: limit(query.limit)?, cursor: query.cursor };
    api.reads.webhooks(at(&api, min), query.state, query.outcome.as_deref(), page).await.map(Json)
}
