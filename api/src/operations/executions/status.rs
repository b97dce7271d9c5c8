//! `GET /plugins/{plugin}/status`

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_app::executions;
use souk_domain::id::ExecutionId;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::{
    Api,
    error::ApiError,
    extract::{PathParams, QueryParams, SignedIn},
    wire::execution::Execution,
};

/// Which execution is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatusQuery {
    /// `executionId` of the answer to `POST /plugins/{plugin}/execute`.
    execution: Uuid,
}

/// How an execution stands, and what came of it. For who asked for it; admins see it without its output.
#[utoipa::path(get, path = "/plugins/{plugin}/status", tag = "executions",
    params(("plugin" = String, Path, description = "Id or name"), StatusQuery), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "How it stands", body = Execution)))]
pub async fn execution_status(
    State(api): State<Api>,
    who: SignedIn,
    PathParams(plugin): PathParams<String>,
    QueryParams(query): QueryParams<StatusQuery>,
) -> Result<Json<Execution>, ApiError> {
    let id = ExecutionId::new(query.execution);
    let found = executions::status(&api.app, &who.context, &plugin.as_str().into(), id).await?;
    Ok(Json(Execution::try_from(found)?))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn whoever_did_not_wait_asks_later() {
        let world = World::new();
        world.seller("acme").await.runnable("adder", "1.0.0").await;
        let (ada, bob) = (world.person("ada").await, world.person("bob").await);
        ada.post("/plugins/adder/install", json!({})).await;
        let accepted = ada.post("/plugins/adder/execute", json!({"input": [1, 2], "mode": "async"})).await;
        assert_eq!((accepted.status, &accepted.body["status"]), (202, &json!("running")), "{}", accepted.body);
        let path = format!("/plugins/adder/status?execution={}", accepted.body["executionId"].as_str().unwrap());
        let mut answer = ada.get(&path).await;
        for _ in 0..1_000 {
            if answer.body["status"] != "running" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
            answer = ada.get(&path).await;
        }
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!("succeeded")), "{}", answer.body);
        assert_eq!(answer.body["output"], json!([1, 2]));
        assert_eq!(bob.get(&path).await.status, 404, "it is not his");
        assert_eq!(world.nobody().get(&path).await.status, 401);
    }

    #[tokio::test]
    async fn what_there_is_not_is_not_found() {
        let world = World::new();
        world.seller("acme").await.runnable("adder", "1.0.0").await;
        let ada = world.person("ada").await;
        let unknown = "00000000-0000-4000-8000-000000000000";
        assert_eq!(ada.get(&format!("/plugins/adder/status?execution={unknown}")).await.status, 404);
        assert_eq!(ada.get(&format!("/plugins/nothing/status?execution={unknown}")).await.status, 404);
        assert_eq!(ada.get("/plugins/adder/status?execution=one").await.status, 422);
        assert_eq!(ada.get("/plugins/adder/status").await.status, 422);
    }
}
