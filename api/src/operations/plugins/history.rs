//! `GET /plugins/{plugin}/history`

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use souk_app::{audit, history};
use souk_ports::Position;
use utoipa::IntoParams;

use crate::{
    Api,
    error::ApiError,
    extract::{Anyone, MinPosition, PathParams, QueryParams},
    wire::{self, List, history::HistoryEntry},
};

/// The longest history that is proven in one answer.
const MOST_PROVEN: usize = 10_000;

/// Which part of a history.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// A position, or `nextCursor` of the page before: only what came behind it.
    after: Option<String>,
    /// The same as `after`.
    cursor: Option<String>,
    /// `true`: all of it in one document, with proofs that it is in the signed ledger, and the exact bytes of events as far as the
    /// caller may see them. `souk audit verify` checks it without asking anybody. Goes with none of the others.
    proofs: Option<bool>,
    /// How many, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// Everything that happened to a plugin, in order. Its vendor and admins see more of each event than others do.
#[utoipa::path(get, path = "/plugins/{plugin}/history", tag = "plugins",
    params(("plugin" = String, Path, description = "Id or name"), HistoryQuery), security((), ("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "A page; with `proofs=true` a document of the format `souk-audit/1`", body = List<HistoryEntry>)))]
pub async fn plugin_history(
    State(api): State<Api>,
    Anyone(context): Anyone,
    MinPosition(min): MinPosition,
    PathParams(plugin): PathParams<String>,
    QueryParams(query): QueryParams<HistoryQuery>,
) -> Result<Response, ApiError> {
    if query.proofs == Some(true) {
        if query.after.is_some() || query.cursor.is_some() || query.limit.is_some() {
            return Err(ApiError::invalid_field(
                "proofs",
                "goes with no other parameter: a history is proven as a whole",
            ));
        }
        let audit = audit::audit(&api.app, &context, &plugin.as_str().into(), min, MOST_PROVEN).await?;
        return Ok(Json(audit.bundle).into_response());
    }
    let after = match query.after.or(query.cursor) {
        Some(text) => position(&text)?,
        None => 0,
    };
    let limit = wire::limit(query.limit)? as usize;
    let page = history::page(&api.app, &context, &plugin.as_str().into(), after, limit, min).await?;
    Ok(Json(List::<HistoryEntry>::of(page.items, page.next.map(|next| next.to_string()))).into_response())
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

    #[tokio::test]
    async fn a_history_with_proofs_is_checked_without_asking_anybody() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.plugin("log-reader").await;
        seller.person.patch("/plugins/log-reader", json!({"summary": "Reads."})).await;
        let key = world.ledger.verifier_key();
        let path = "/plugins/log-reader/history?proofs=true";
        let mut opened = Vec::new();
        for client in [world.nobody(), (*seller.person).clone(), (*world.admin().await).clone()] {
            let answer = client.get(path).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let verified = souk_ledger::verify::verify(&answer.text, key).unwrap();
            assert_eq!((verified.events, verified.whole_streams.len()), (2, 1));
            opened.push((verified.with_data, verified.with_metadata));
        }
        assert_eq!(opened, [(0, 0), (2, 2), (2, 2)]);
        for odd in ["&limit=1", "&after=1", "&cursor=1"] {
            assert_eq!(world.nobody().get(&format!("{path}{odd}")).await.status, 422);
        }
        world.ledger.stop_at(Some(0));
        let answer = world.nobody().get(path).await;
        assert_eq!((answer.status, answer.code()), (404, "not_yet_in_ledger"));
    }
}
