//! `GET /plugins/{plugin}/validation`

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_app::plugins;
use utoipa::IntoParams;

use crate::{
    Api,
    error::ApiError,
    extract::{Anyone, MinPosition, PathParams, QueryParams},
    operations::shared::found,
    reads::Window,
    wire::{List, limit, reliability::Validation},
};

/// Which page is wanted. Who names no `limit` gets as many as before there were pages.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ValidationQuery {
    /// `nextCursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
    /// How many, 1 to 100; 100 when absent.
    #[serde(default)]
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: Option<u32>,
}

/// What was found in a plugin's versions: steps, findings, confidence and verdict, the newest first. Its vendor and moderators also
/// read what was said in an appeal.
#[utoipa::path(get, path = "/plugins/{plugin}/validation", tag = "plugins",
    params(("plugin" = String, Path, description = "Id or name"), ValidationQuery), security((), ("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The validations of its versions", body = List<Validation>)))]
pub async fn plugin_validations(
    State(api): State<Api>,
    Anyone(context): Anyone,
    min: MinPosition,
    PathParams(plugin): PathParams<String>,
    QueryParams(query): QueryParams<ValidationQuery>,
) -> Result<Json<List<Validation>>, ApiError> {
    let page = Window { limit: limit(query.limit.or(Some(100)))?, cursor: query.cursor };
    let mut found = found(&api, min, "this plugin", |at| api.reads.validations(at, &plugin, page.clone())).await?;
    let private = found.items.iter().any(|validation| validation.appeal.is_some());
    if private && !plugins::reads_appeals(&api.app, &context, &plugin.as_str().into()).await? {
        found.items = found.items.into_iter().map(Validation::public).collect();
    }
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
        let answer = world.nobody().get("/plugins/log-reader/validation").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.body["items"].is_array());
        assert_eq!(world.nobody().get("/plugins/unknown/validation").await.status, 404);
        for limit in ["0", "101", "x"] {
            let refused = world.nobody().get(&format!("/plugins/log-reader/validation?limit={limit}")).await;
            assert_eq!((refused.status, refused.code()), (422, "validation_failed"), "{limit}");
        }
    }
}
