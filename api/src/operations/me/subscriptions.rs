//! `GET /me/subscriptions`

use axum::{Json, extract::State};

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, QueryParams, SignedIn},
    operations::shared::at,
    reads::Window,
    wire::{List, Paging, limit, subscription::Subscription},
};

/// The caller's subscriptions, the newest first.
#[utoipa::path(get, path = "/me/subscriptions", tag = "me", params(Paging), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "A page", body = List<Subscription>)))]
pub async fn my_subscriptions(
    State(api): State<Api>,
    who: SignedIn,
    min: MinPosition,
    QueryParams(paging): QueryParams<Paging>,
) -> Result<Json<List<Subscription>>, ApiError> {
    let page = Window { limit: limit(paging.limit)?, cursor: paging.cursor };
    api.reads.subscriptions(at(&api, min), who.user, page).await.map(Json)
}
