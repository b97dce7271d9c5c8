//! `GET /plugins/{plugin}/validation`

use axum::{Json, extract::State};
use souk_app::plugins;

use crate::{
    Api,
    error::ApiError,
    extract::{Anyone, MinPosition, PathParams},
    operations::shared::found,
    wire::{List, reliability::Validation},
};

/// What was found in a plugin's versions: steps, findings, confidence and verdict, the newest first. Its vendor and moderators also
/// read what was said in an appeal.
#[utoipa::path(get, path = "/plugins/{plugin}/validation", tag = "plugins",
    params(("plugin" = String, Path, description = "Id or name")), security((), ("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The validations of its versions", body = List<Validation>)))]
pub async fn plugin_validations(
    State(api): State<Api>,
    Anyone(context): Anyone,
    min: MinPosition,
    PathParams(plugin): PathParams<String>,
) -> Result<Json<List<Validation>>, ApiError> {
    let found = found(&api, min, "this plugin", |at| api.reads.validations(at, &plugin)).await?;
    let private = found.iter().any(|validation| validation.appeal.is_some());
    if private && !plugins::reads_appeals(&api.app, &context, &plugin.as_str().into()).await? {
        return Ok(Json(List::whole(found.into_iter().map(Validation::public).collect())));
    }
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
