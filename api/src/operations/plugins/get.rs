//! `GET /plugins/{plugin}`

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, de::Error};
use souk_app::{history, traffic};
use souk_domain::id::{PluginId, VendorId};
use utoipa::IntoParams;

use crate::{
    Api,
    answer::Ready,
    error::ApiError,
    extract::{MinPosition, PathParams, QueryParams},
    operations::shared::found,
    wire::catalogue::Plugin,
};

/// At what time.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AtQuery {
    /// As it stood then (RFC 3339), folded from its events; now when absent.
    #[serde(default, deserialize_with = "time")]
    at: Option<DateTime<Utc>>,
}

/// An offset such as `+00:00` loses its sign where a client writes it as it is, since `+` is a blank in a query.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = String::deserialize(deserializer)?.replace(' ', "+");
    text.parse().map(Some).map_err(D::Error::custom)
}

/// A plugin, by id or name.
#[utoipa::path(get, path = "/plugins/{plugin}", tag = "plugins",
    params(("plugin" = String, Path, description = "Id or name"), AtQuery),
    responses((status = 200, description = "The plugin", body = Plugin)))]
pub async fn get_plugin(
    State(api): State<Api>,
    min: MinPosition,
    PathParams(plugin): PathParams<String>,
    QueryParams(query): QueryParams<AtQuery>,
) -> Result<Response, ApiError> {
    if let Some(time) = query.at {
        let then = history::as_of(&api.app, &plugin.as_str().into(), time, min.0).await?;
        return Ok(Json(Plugin::from(then)).into_response());
    }
    let page = found(&api, min, "this plugin", |at| api.reads.page(at, &plugin)).await?;
    traffic::looked_at(&api.app, PluginId::new(page.plugin), VendorId::new(page.vendor));
    Ok(Ready(page.bytes).into_response())
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn a_plugin_is_found_by_id_and_by_its_name_in_any_spelling() {
        let world = World::new();
        let seller = world.seller("acme").await;
        let id = seller.plugin("log-reader").await;
        for name in [id.as_str(), "log-reader", "Log.Reader"] {
            let answer = world.nobody().get(&format!("/plugins/{name}")).await;
            assert_eq!((answer.status, answer.body["id"].as_str()), (200, Some(id.as_str())), "{name}");
        }
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_found() {
        let nobody = World::new().nobody();
        for name in ["unknown", "6a0f5c1e-7b1d-4c57-9a3e-50756b000001", "a%20b", "é"] {
            let answer = nobody.get(&format!("/plugins/{name}")).await;
            assert_eq!((answer.status, answer.code()), (404, "not_found"), "{name}");
        }
    }

    #[tokio::test]
    async fn a_plugin_is_shown_as_it_stood() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.plugin("log-reader").await;
        let then = world.clock_text();
        world.clock.advance(std::time::Duration::from_secs(60));
        seller.person.patch("/plugins/log-reader", serde_json::json!({"summary": "New."})).await;
        let answer = world.nobody().get(&format!("/plugins/log-reader?at={then}")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_ne!(answer.body["summary"], "New.");
        assert_eq!(world.nobody().get("/plugins/log-reader?at=2000-01-01T00:00:00Z").await.status, 404);
        assert_eq!(world.nobody().get("/plugins/log-reader?at=2000-01-01T00:00:00+00:00").await.status, 404);
        assert_eq!(world.nobody().get("/plugins/log-reader?at=yesterday").await.status, 422);
    }

    #[tokio::test]
    async fn a_position_must_be_one_and_be_reached() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.plugin("log-reader").await;
        let at = |position: &str| world.nobody().header("souk-min-position", position);
        assert_eq!(at("1").get("/plugins/log-reader").await.status, 200);
        assert_eq!(at("soon").get("/plugins/log-reader").await.status, 400);
        let answer = at("1000000").get("/plugins/log-reader").await;
        assert_eq!((answer.status, answer.code()), (503, "projection_behind"));
        assert_eq!(answer.header("retry-after"), "1");
    }
}
