//! `DELETE /admin/projections/{name}/rebuild`

use axum::{extract::State, http::StatusCode};

use super::{projection, require_admin};
use crate::{
    Api,
    error::ApiError,
    extract::{PathParams, Privileged},
};

/// Ends the rebuild of a projection, and gives back the disk that it took. For admins.
///
/// One that runs ends within seconds, whoever began it, together with the other projections that it rebuilds; one that was
/// interrupted is not continued. The generation that serves is not touched.
#[utoipa::path(delete, path = "/admin/projections/{name}/rebuild", tag = "admin",
    params(("name" = String, Path, description = "Which projection")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 204, description = "It ends")))]
pub async fn cancel_rebuild(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(name): PathParams<String>,
) -> Result<StatusCode, ApiError> {
    require_admin(&context)?;
    projection(&api, &name).await?;
    api.projections.cancel_rebuild(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn an_admin_ends_a_rebuild_that_there_is() {
        let world = World::new();
        let admin = world.admin().await;
        let path = "/admin/projections/catalogue/rebuild";
        assert_eq!(world.person("ada").await.delete(path).await.status, 403);
        let answer = admin.delete(path).await;
        assert_eq!((answer.status, answer.reason()), (409, "not_rebuilding"));
        assert_eq!(admin.post(path, json!({})).await.status, 202);
        assert_eq!(admin.delete(path).await.status, 204);
        assert_eq!(admin.post(path, json!({})).await.status, 202, "it can be begun again");
        assert_eq!(admin.delete("/admin/projections/unknown/rebuild").await.status, 404);
    }
}
