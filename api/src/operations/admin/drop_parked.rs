//! `POST /admin/reactions/{name}/{position}/drop`

use axum::{extract::State, http::StatusCode};
use souk_ports::Position;

use super::require_admin;
use crate::{
    Api,
    error::ApiError,
    extract::{PathParams, Privileged},
};

/// Forgets an event that a reaction failed on. For admins.
#[utoipa::path(post, path = "/admin/reactions/{name}/{position}/drop", tag = "admin",
    params(("name" = String, Path, description = "Which reaction"), ("position" = Position, Path, description = "Where the event is")),
    security(("bearer" = []), ("apiKey" = [])), responses((status = 204, description = "Done")))]
pub async fn drop_parked(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams((name, position)): PathParams<(String, Position)>,
) -> Result<StatusCode, ApiError> {
    require_admin(&context)?;
    if !api.reactions.unpark(&name, position).await? {
        return Err(ApiError::not_found("this parked event"));
    }
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn an_admin_drops_it_once() {
        let world = World::new();
        world.park("licensing", 4).await;
        let admin = world.admin().await;
        let path = "/admin/reactions/licensing/4/drop";
        assert_eq!(world.moderator().await.post(path, json!({})).await.status, 403);
        assert_eq!(admin.post(path, json!({})).await.status, 204);
        assert_eq!(admin.post(path, json!({})).await.status, 404);
        assert_eq!(admin.post("/admin/reactions/licensing/last/drop", json!({})).await.status, 404);
    }
}
