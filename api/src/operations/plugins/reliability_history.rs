//! `GET /plugins/{plugin}/reliability/history`

use axum::{Json, extract::State};

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, PathParams, QueryParams},
    operations::shared::found,
    reads::Window,
    wire::{List, Paging, limit, reliability::ReliabilityChange},
};

/// Everything that moved a plugin's reliability, the newest first: what each event adds, and the score before and after it.
///
/// Executions are told by UTC day, at the last one of the day.
#[utoipa::path(get, path = "/plugins/{plugin}/reliability/history", tag = "plugins",
    params(("plugin" = String, Path, description = "Id or name"), Paging),
    responses((status = 200, description = "A page", body = List<ReliabilityChange>)))]
pub async fn plugin_reliability_history(
    State(api): State<Api>,
    min: MinPosition,
    PathParams(plugin): PathParams<String>,
    QueryParams(paging): QueryParams<Paging>,
) -> Result<Json<List<ReliabilityChange>>, ApiError> {
    let page = Window { limit: limit(paging.limit)?, cursor: paging.cursor };
    found(&api, min, "this plugin", |at| api.reads.reliability_history(at, &plugin, page.clone())).await.map(Json)
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn everybody_reads_it_of_plugins_that_there_are() {
        let world = World::new();
        world.seller("acme").await.plugin("log-reader").await;
        let answer = world.nobody().get("/plugins/log-reader/reliability/history").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.body["items"].is_array() && answer.body["nextCursor"].is_null());
        assert_eq!(world.nobody().get("/plugins/unknown/reliability/history").await.status, 404);
        assert_eq!(world.nobody().get("/plugins/log-reader/reliability/history?limit=101").await.status, 422);
    }
}
