//! `GET /plugins/{plugin}/history`

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_app::history;
use souk_ports::Position;
use utoipa::IntoParams;

use crate::{
    Api,
    error::ApiError,
    extract::{Anyone, MinPosition, PathParams, QueryParams},
    wire::{self, List, history::HistoryEntry},
};

/// Which part of a history.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// A position, or `nextCursor` of the page before: only what came behind it.
    after: Option<String>,
    /// The same as `after`.
    cursor: Option<String>,
    /// How many, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// Everything that happened to a plugin, in order. Its vendor and admins see more of each event than others do.
#[utoipa::path(get, path = "/plugins/{plugin}/history", tag = "plugins",
    params(("plugin" = String, Path, description = "Id or name"), HistoryQuery), security((), ("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "A page", body = List<HistoryEntry>)))]
pub async fn plugin_history(
    State(api): State<Api>,
    Anyone(context): Anyone,
    MinPosition(min): MinPosition,
    PathParams(plugin): PathParams<String>,
    QueryParams(query): QueryParams<HistoryQuery>,
) -> Result<Json<List<HistoryEntry>>, ApiError> {
    let after = match query.after.or(query.cursor) {
        Some(text) => position(&text)?,
        None => 0,
    };
    let limit = wire::limit(query.limit)? as usize;
    let page = history::page(&api.app, &context, &plugin.as_str().into(), after, limit, min).await?;
    Ok(Json(List::of(page.items, page.next.map(|next| next.to_string()))))
}

fn position(text: &str) -> Result<Position, ApiError> {
    let position = text.parse::<Position>().ok().filter(|position| i64::try_from(*position).is_ok());
    position.ok_or_else(|| ApiError::invalid_field("after", "must be a position, or the cursor of the page before"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn a_history_is_told_page_by_page_in_order() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.plugin("log-reader").await;
        for summary in ["One.", "Two."] {
            seller.person.patch("/plugins/log-reader", json!({"summary": summary})).await;
        }
        let mut types = Vec::new();
        let mut path = "/plugins/log-reader/history?limit=2".to_owned();
        loop {
            let page = world.nobody().get(&path).await;
            assert_eq!(page.status, 200, "{}", page.body);
            types.extend(page.body["items"].as_array().unwrap().iter().map(|item| item["type"].clone()));
            match page.body["nextCursor"].as_str() {
                Some(cursor) => path = format!("/plugins/log-reader/history?limit=2&after={cursor}"),
                None => break,
            }
        }
        assert_eq!(types, ["plugin.created", "plugin.described", "plugin.described"]);
    }

    #[tokio::test]
    async fn odd_places_and_unknown_plugins_are_refused() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.plugin("log-reader").await;
        assert_eq!(world.nobody().get("/plugins/log-reader/history?after=x").await.status, 422);
        assert_eq!(world.nobody().get("/plugins/log-reader/history?limit=0").await.status, 422);
        assert_eq!(world.nobody().get("/plugins/unknown/history").await.status, 404);
    }
}
