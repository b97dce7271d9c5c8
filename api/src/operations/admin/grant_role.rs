//! `POST /admin/users/{id}/roles`

use axum::extract::State;
use serde::Deserialize;
use souk_app::users::{self, Who};
use souk_domain::user::Role;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, Privileged},
    wire::{account::User, vocabulary},
};

/// A role.
#[derive(Deserialize, ToSchema)]
pub struct RoleBody {
    /// Which.
    #[schema(value_type = vocabulary::Role)]
    role: Role,
}

/// Gives an account a role. For admins.
#[utoipa::path(post, path = "/admin/users/{id}/roles", tag = "admin", request_body = RoleBody,
    params(("id" = Uuid, Path, description = "Which account")),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The account", body = User)))]
pub async fn grant_role(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(user): PathParams<Uuid>,
    JsonBody(body): JsonBody<RoleBody>,
) -> Result<Written<User>, ApiError> {
    let done = users::grant_role(&api.app, &context, &Who::Id(user.into()), body.role).await?;
    Ok(Written::ok(done.position, User { email: None, display_name: None, ..done.value.into() }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn an_admin_gives_roles_that_count_at_once() {
        let world = World::new();
        let (admin, ada) = (world.admin().await, world.person("ada").await);
        let path = format!("/admin/users/{}/roles", ada.id);
        assert_eq!(ada.post(&path, json!({"role": "admin"})).await.status, 403);
        let answer = admin.post(&path, json!({"role": "admin"})).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.body["roles"].to_string().contains("admin"));
        assert!(answer.body["email"].is_null(), "an address is its owner's");
        assert_eq!(ada.get("/admin/projections").await.status, 200, "with the token from before");
        assert_eq!(admin.post(&path, json!({"role": "emperor"})).await.status, 422);
        let unknown = "/admin/users/6a0f5c1e-7b1d-4c57-9a3e-50756b000001/roles";
        assert_eq!(admin.post(unknown, json!({"role": "admin"})).await.status, 404);
    }
}
