//! `GET /ready`

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;
use souk_ports::Position;
use tokio::time::timeout;

use crate::{
    Api,
    control::{ProjectionState, ProjectionStatus},
    error::ApiError,
};

/// How long the log and the read models have to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether Souk can serve: the log and the read models answer, the read models have caught up once since the start, and the
/// search index is filled.
#[utoipa::path(get, path = "/ready", tag = "system",
    responses((status = 200, description = "It can", body = Object), (status = 503, description = "Not yet, or not now", body = Object)))]
pub async fn ready(State(api): State<Api>) -> Response {
    match readiness(&api).await {
        Ok(()) => Json(json!({ "status": "ready" })).into_response(),
        Err(problem) => {
            let error = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", problem);
            error.retry_after(1).into_response()
        }
    }
}

/// Whether Souk can serve; if not, why.
///
/// # Errors
/// A sentence.
pub async fn readiness(api: &Api) -> Result<(), String> {
    let answered = timeout(PATIENCE, check(api)).await;
    answered.unwrap_or_else(|_| Err("the log or the read models do not answer".to_owned()))
}

async fn check(api: &Api) -> Result<(), String> {
    let head = api.app.ports().log.head().await.map_err(|_| "the log does not answer".to_owned())?;
    let status = api.projections.status().await.map_err(|_| "the read models do not answer".to_owned())?;
    let goal = *api.first_head.get_or_init(|| head);
    // The tables of another version cannot be shown before they are rebuilt; the rest serves meanwhile.
    let outdated = status.iter().any(|status| status.name == "catalogue" && status.state == ProjectionState::Outdated);
    match (lagging(&status, goal), api.reads.missing().filter(|_| !outdated)) {
        (Some(name), _) => Err(format!("the read model `{name}` is catching up")),
        (None, Some(missing)) => Err(missing.to_owned()),
        (None, None) => Ok(()),
    }
}

/// The first projection that has not reached `goal` yet. One that is stopped waits for an operator, and the others serve meanwhile.
#[must_use]
pub fn lagging(status: &[ProjectionStatus], goal: Position) -> Option<&str> {
    let behind = |status: &&ProjectionStatus| {
        status.position < goal && !matches!(status.state, ProjectionState::Stopped | ProjectionState::Outdated)
    };
    status.iter().find(behind).map(|status| status.name.as_str())
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn it_is_ready_when_everything_answers_and_has_caught_up_once() {
        let world = World::new();
        world.person("ada").await;
        world.set_projection_position(0);
        let answer = world.nobody().get("!/ready").await;
        assert_eq!((answer.status, answer.code()), (503, "unavailable"));
        world.set_projection_position(1000);
        assert_eq!(world.nobody().get("!/ready").await.status, 200);
    }

    #[tokio::test]
    async fn a_stopped_projection_does_not_stop_the_rest() {
        let world = World::new();
        world.person("ada").await;
        world.set_projection_position(1000);
        world.stop_projection("catalogue", 1);
        assert_eq!(world.nobody().get("!/ready").await.status, 200);
    }

    #[tokio::test]
    async fn it_is_not_ready_without_its_log() {
        let world = World::new();
        world.log_is_down();
        assert_eq!(world.nobody().get("!/ready").await.status, 503);
        assert_eq!(world.nobody().get("!/health").await.status, 200);
    }
}
