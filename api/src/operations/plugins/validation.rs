//! `GET /plugins/{plugin}/validation`

use axum::{Json, extract::State};

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, PathParams},
    operations::shared::found,
    wire::{List, reliability::Validation},
};

/// What was found in a plugin's versions: steps, findings, confidence and verdict, the newest first.
#[utoipa::path(get, path = "/plugins/{plugin}/validation", tag = "plugins",
    params(("plugin" = String, Path, description = "Id or name")),
    responses((status = 200, description = "The validations of its versions", body = List<Validation>)))]
pub async fn plugin_validations(
    State(api): State<Api>,
    min: MinPosition,
    PathParams(plugin): PathParams<String>,
) -> Result<Json<List<Validation>>, ApiError> {
    let found = found(&api, min, "this plugin", |at| api.reads.validations(at, &plugin)).await?;
    Ok(Json(List::whole(found)))
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn everybody_sees_it_of_plugins_that_there_are() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.plugin("log-reader").await;
        let answer = world.nobody().get("/plugins/log-reader/validation").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.body["items"].is_array());
        assert_eq!(world.nobody().get("/plugins/unknown/validation").await.status, 404);
    }
}
