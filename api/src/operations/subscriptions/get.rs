//! `GET /subscriptions/{id}`

use axum::{Json, extract::State};
use souk_app::subscriptions;
use uuid::Uuid;

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, PathParams, Privileged},
    operations::shared::{self, at},
    wire::subscription::Subscription,
};

/// A subscription. For its buyer, its vendor and admins.
#[utoipa::path(get, path = "/subscriptions/{id}", tag = "orders",
    params(("id" = Uuid, Path, description = "Which subscription")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The subscription", body = Subscription)))]
pub async fn get_subscription(
    State(api): State<Api>,
    Privileged(context): Privileged,
    min: MinPosition,
    PathParams(id): PathParams<Uuid>,
) -> Result<Json<Subscription>, ApiError> {
    let known = subscriptions::get(&api.app, &context, id.into()).await?.value;
    if let Some(shown) = api.reads.subscription(at(&api, min), id).await? {
        return Ok(Json(shown));
    }
    let plugin = shared::plugin_ref(&api, known.contract.plugin_id).await?;
    Ok(Json(Subscription::of_stream(known, plugin)))
}
