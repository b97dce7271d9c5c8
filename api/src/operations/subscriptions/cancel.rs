//! `POST /subscriptions/{id}/cancel`

use axum::extract::State;
use serde::Deserialize;
use souk_app::subscriptions;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{OptionalJson, PathParams, Privileged},
    operations::shared,
    wire::subscription::Subscription,
};

/// When it ends.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CancelBody {
    /// Whether it goes on until what was paid is used up; true when absent.
    #[schema(default = true)]
    at_period_end: bool,
}

impl Default for CancelBody {
    fn default() -> Self {
        Self { at_period_end: true }
    }
}

/// Ends a subscription: when what was paid is used up, or now. For its buyer and admins.
#[utoipa::path(post, path = "/subscriptions/{id}/cancel", tag = "orders", request_body = Option<CancelBody>,
    params(("id" = Uuid, Path, description = "Which subscription")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The subscription", body = Subscription)))]
pub async fn cancel_subscription(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(id): PathParams<Uuid>,
    OptionalJson(body): OptionalJson<CancelBody>,
) -> Result<Written<Subscription>, ApiError> {
    let done = subscriptions::cancel(&api.app, &context, id.into(), body.at_period_end).await?;
    let plugin = shared::plugin_ref(&api, done.value.contract.plugin_id).await?;
    Ok(Written::ok(done.position, Subscription::of_stream(done.value, plugin)))
}
