//! `POST /admin/reactions/{name}/{position}/retry`

use axum::{extract::State, http::StatusCode};
use souk_app::reactions;
use souk_ports::Position;

use super::require_admin;
use crate::{
    Api,
    error::ApiError,
    extract::{PathParams, Privileged},
};

/// Tries an event again that a reaction failed on; forgets it when that works. For admins.
#[utoipa::path(post, path = "/admin/reactions/{name}/{position}/retry", tag = "admin",
    params(("name" = String, Path, description = "Which reaction"), ("position" = Position, Path, description = "Where the event is")),
    security(("bearer" = []), ("apiKey" = [])), responses((status = 204, description = "Done")))]
pub async fn retry_parked(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams((name, position)): PathParams<(String, Position)>,
) -> Result<StatusCode, ApiError> {
    require_admin(&context)?;
    reactions::retry_parked(&api.app, api.reactions.as_ref(), &name, position).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn only_what_is_parked_is_tried_again() {
        let world = World::new();
        let path = "/admin/reactions/licensing/4/retry";
        assert_eq!(world.nobody().post(path, json!({})).await.status, 401);
        assert_eq!(world.moderator().await.post(path, json!({})).await.status, 403);
        assert_eq!(world.admin().await.post(path, json!({})).await.status, 404);
    }
}
