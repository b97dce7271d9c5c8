//! `GET /plugins/{plugin}/versions`

use axum::{Json, extract::State};

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, PathParams},
    operations::shared::found,
    wire::{List, catalogue::Version},
};

/// All versions of a plugin with their status, the highest first.
#[utoipa::path(get, path = "/plugins/{plugin}/versions", tag = "versions",
    params(("plugin" = String, Path, description = "Id or name")),
    responses((status = 200, description = "All of them", body = List<Version>)))]
pub async fn list_versions(
    State(api): State<Api>,
    min: MinPosition,
    PathParams(plugin): PathParams<String>,
) -> Result<Json<List<Version>>, ApiError> {
    let versions = found(&api, min, "this plugin", |at| api.reads.versions(at, &plugin)).await?;
    Ok(Json(List::whole(versions)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn everybody_sees_them_whatever_their_status() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.plugin("log-reader").await;
        seller.submit("log-reader", "1.0.0").await;
        let answer = world.nobody().get("/plugins/log-reader/versions").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body["items"][0]["version"], "1.0.0");
        assert_eq!(answer.body["items"][0]["status"], "submitted");
        assert_eq!(answer.body["nextCursor"], json!(null));
        assert_eq!(world.nobody().get("/plugins/unknown/versions").await.status, 404);
    }
}
