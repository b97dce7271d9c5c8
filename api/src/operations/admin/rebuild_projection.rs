//! `POST /admin/projections/{name}/rebuild`

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{projection, require_admin};
use crate::{
    Api,
    control::ProjectionStatus,
    error::ApiError,
    extract::{OptionalJson, PathParams, Privileged},
};

/// How to rebuild.
#[derive(Default, Deserialize, ToSchema)]
pub struct RebuildBody {
    /// Whether the new generation must not serve when it differs from the live one for no declared reason; false when absent: a
    /// rebuild is the repair.
    #[serde(default)]
    verify: bool,
}

/// Builds a projection anew from the log while the old one serves. For admins.
///
/// It runs behind: `GET /admin/projections` tells how far it is. A serving process goes on with one that a crash or a restart
/// interrupted.
#[utoipa::path(post, path = "/admin/projections/{name}/rebuild", tag = "admin", request_body = Option<RebuildBody>,
    params(("name" = String, Path, description = "Which projection")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 202, description = "It has begun", body = ProjectionStatus)))]
pub async fn rebuild_projection(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(name): PathParams<String>,
    OptionalJson(body): OptionalJson<RebuildBody>,
) -> Result<(StatusCode, Json<ProjectionStatus>), ApiError> {
    require_admin(&context)?;
    projection(&api, &name).await?;
    api.projections.rebuild(&name, body.verify).await?;
    Ok((StatusCode::ACCEPTED, Json(projection(&api, &name).await?)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn an_admin_starts_one_rebuild_at_a_time() {
        let world = World::new();
        let admin = world.admin().await;
        let path = "/admin/projections/catalogue/rebuild";
        assert_eq!(world.person("ada").await.post(path, json!({})).await.status, 403);
        let answer = admin.post(path, json!({"verify": true})).await;
        assert_eq!((answer.status, &answer.body["state"]), (202, &json!("rebuilding")), "{}", answer.body);
        let again = admin.post(path, json!({})).await;
        assert_eq!((again.status, again.reason()), (409, "already_rebuilding"));
        assert_eq!(admin.post("/admin/projections/unknown/rebuild", json!({})).await.status, 404);
        assert_eq!(admin.post(path, json!({"verify": "yes"})).await.status, 422);
    }
}
