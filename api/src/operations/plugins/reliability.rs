//! `GET /plugins/{plugin}/reliability`

use axum::{Json, extract::State};

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, PathParams},
    operations::shared::found,
    wire::reliability::Reliability,
};

/// How reliable a plugin is, and why.
#[utoipa::path(get, path = "/plugins/{plugin}/reliability", tag = "plugins",
    params(("plugin" = String, Path, description = "Id or name")),
    responses((status = 200, description = "The score and its parts", body = Reliability)))]
pub async fn plugin_reliability(
    State(api): State<Api>,
    min: MinPosition,
    PathParams(plugin): PathParams<String>,
) -> Result<Json<Reliability>, ApiError> {
    let found = found(&api, min, "this plugin", |at| api.reads.reliability(at, &plugin)).await?;
    Ok(Json(found))
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn everybody_sees_it_of_plugins_that_there_are() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.plugin("log-reader").await;
        let answer = world.nobody().get("/plugins/log-reader/reliability").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.body["history"].is_array());
        assert_eq!(world.nobody().get("/plugins/unknown/reliability").await.status, 404);
    }
}
