//! `POST /admin/projections/{name}/skip`

use axum::{Json, extract::State};

use super::{EventBody, projection, require_admin};
use crate::{
    Api,
    control::ProjectionStatus,
    error::ApiError,
    extract::{OptionalJson, PathParams, Privileged},
};

/// Lets a stopped projection go on without its event, now and whenever it is rebuilt. For admins.
#[utoipa::path(post, path = "/admin/projections/{name}/skip", tag = "admin", request_body = Option<EventBody>,
    params(("name" = String, Path, description = "Which projection")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "It goes on", body = ProjectionStatus)))]
pub async fn skip_event(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(name): PathParams<String>,
    OptionalJson(body): OptionalJson<EventBody>,
) -> Result<Json<ProjectionStatus>, ApiError> {
    require_admin(&context)?;
    projection(&api, &name).await?;
    api.projections.skip(&name, body.position).await?;
    Ok(Json(projection(&api, &name).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn only_a_stopped_projection_and_only_by_an_admin() {
        let world = World::new();
        let admin = world.admin().await;
        let path = "/admin/projections/catalogue/skip";
        assert_eq!(world.moderator().await.post(path, json!({})).await.status, 403);
        let idle = admin.post(path, json!({})).await;
        assert_eq!((idle.status, idle.reason()), (409, "not_stopped"));
        world.stop_projection("catalogue", 7);
        assert_eq!(admin.post(path, json!({"position": 8})).await.status, 409);
        let answer = admin.post(path, json!({"position": 7})).await;
        assert_eq!((answer.status, &answer.body["state"]), (200, &json!("live")), "{}", answer.body);
        assert_eq!(admin.post("/admin/projections/unknown/skip", json!({})).await.status, 404);
    }
}
