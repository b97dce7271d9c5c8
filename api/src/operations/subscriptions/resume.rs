//! `POST /subscriptions/{id}/resume`

use axum::extract::State;
use souk_app::subscriptions;
use uuid::Uuid;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{PathParams, Privileged},
    operations::shared,
    wire::subscription::Subscription,
};

/// Does not end a subscription after all. For its buyer and admins.
#[utoipa::path(post, path = "/subscriptions/{id}/resume", tag = "orders",
    params(("id" = Uuid, Path, description = "Which subscription")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The subscription", body = Subscription)))]
pub async fn resume_subscription(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(id): PathParams<Uuid>,
) -> Result<Written<Subscription>, ApiError> {
    let done = subscriptions::resume(&api.app, &context, id.into()).await?;
    let plugin = shared::plugin_ref(&api, done.value.contract.plugin_id).await?;
    Ok(Written::ok(done.position, Subscription::of_stream(done.value, plugin)))
}
