//! `GET /plugins/{plugin}/reviews`

use axum::{Json, extract::State};

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, PathParams, QueryParams},
    operations::shared::found,
    reads::Window,
    wire::{Paging, limit, reviews::Reviews},
};

/// The reviews of a plugin that are shown, the newest first, and what they come to.
#[utoipa::path(get, path = "/plugins/{plugin}/reviews", tag = "reviews",
    params(("plugin" = String, Path, description = "Id or name"), Paging),
    responses((status = 200, description = "A page", body = Reviews)))]
pub async fn list_reviews(
    State(api): State<Api>,
    min: MinPosition,
    PathParams(plugin): PathParams<String>,
    QueryParams(paging): QueryParams<Paging>,
) -> Result<Json<Reviews>, ApiError> {
    let page = Window { limit: limit(paging.limit)?, cursor: paging.cursor };
    found(&api, min, "this plugin", |at| api.reads.reviews(at, &plugin, page.clone())).await.map(Json)
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn everybody_reads_them() {
        let world = World::new();
        world.seller("acme").await.plugin("log-reader").await;
        let answer = world.nobody().get("/plugins/log-reader/reviews").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.body["items"].is_array() && answer.body["summary"]["histogram"].is_array());
        assert_eq!(world.nobody().get("/plugins/unknown/reviews").await.status, 404);
        assert_eq!(world.nobody().get("/plugins/log-reader/reviews?limit=0").await.status, 422);
    }
}
