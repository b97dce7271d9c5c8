//! `GET /admin/projections`

use axum::{Json, extract::State};

use super::require_admin;
use crate::{Api, control::ProjectionStatus, error::ApiError, extract::Privileged, wire::List};

/// Where every projection stands. For admins.
#[utoipa::path(get, path = "/admin/projections", tag = "admin", security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "All of them", body = List<ProjectionStatus>)))]
pub async fn list_projections(
    State(api): State<Api>,
    Privileged(context): Privileged,
) -> Result<Json<List<ProjectionStatus>>, ApiError> {
    require_admin(&context)?;
    Ok(Json(List::whole(api.projections.status().await?)))
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn admins_see_how_far_they_are() {
        let world = World::new();
        let answer = world.admin().await.get("/admin/projections").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let first = &answer.body["items"][0];
        assert_eq!((first["name"].as_str(), first["state"].as_str()), (Some("catalogue"), Some("live")));
        for field in ["generation", "position", "head", "lag"] {
            assert!(first[field].is_number(), "{field}");
        }
        assert_eq!(world.person("ada").await.get("/admin/projections").await.status, 403);
        assert_eq!(world.moderator().await.get("/admin/projections").await.status, 403);
        assert_eq!(world.nobody().get("/admin/projections").await.status, 401);
    }
}
