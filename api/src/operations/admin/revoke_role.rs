//! `DELETE /admin/users/{id}/roles/{role}`

use axum::extract::State;
use souk_app::users::{self, Who};
use souk_domain::user::Role;
use uuid::Uuid;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{PathParams, Privileged},
    wire::account::User,
};

/// Takes a role back. For admins.
#[utoipa::path(delete, path = "/admin/users/{id}/roles/{role}", tag = "admin",
    params(("id" = Uuid, Path, description = "Which account"), ("role" = String, Path, description = "Which role")),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The account", body = User)))]
pub async fn revoke_role(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams((user, role)): PathParams<(Uuid, Role)>,
) -> Result<Written<User>, ApiError> {
    let done = users::revoke_role(&api.app, &context, &Who::Id(user.into()), role).await?;
    Ok(Written::ok(done.position, User { email: None, display_name: None, ..done.value.into() }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn an_admin_takes_roles_back_at_once() {
        let world = World::new();
        let (admin, ada) = (world.admin().await, world.person("ada").await);
        admin.post(&format!("/admin/users/{}/roles", ada.id), json!({"role": "admin"})).await;
        let path = format!("/admin/users/{}/roles/admin", ada.id);
        assert_eq!(admin.delete(&path).await.status, 200);
        assert_eq!(ada.get("/admin/projections").await.status, 403, "with the token from before");
        let customer = admin.delete(&format!("/admin/users/{}/roles/customer", ada.id)).await;
        assert_eq!((customer.status, customer.code()), (409, "conflict"));
        assert_eq!(admin.delete(&format!("/admin/users/{}/roles/emperor", ada.id)).await.status, 404);
    }
}
