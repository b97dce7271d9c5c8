//! `DELETE /admin/users/{id}`

use axum::extract::State;
use souk_app::users::{self, Who};
use uuid::Uuid;

use crate::{
    Api,
    answer::Gone,
    error::ApiError,
    extract::{PathParams, Privileged},
};

/// Erases a person, as `DELETE /me` does. For admins. It cannot be taken back.
#[utoipa::path(delete, path = "/admin/users/{id}", tag = "admin", params(("id" = Uuid, Path, description = "Whom")),
    security(("bearer" = []), ("apiKey" = [])), responses((status = 204, description = "It is under way")))]
pub async fn erase_user(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(user): PathParams<Uuid>,
) -> Result<Gone, ApiError> {
    Ok(Gone(users::request_erasure(&api.app, &context, &Who::Id(user.into())).await?.position))
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn only_admins_erase_others() {
        let world = World::new();
        let (ada, ben) = (world.person("ada").await, world.person("ben").await);
        let path = format!("/admin/users/{}", ada.id);
        assert_eq!(world.nobody().delete(&path).await.status, 401);
        assert_eq!(ben.delete(&path).await.status, 403);
        let admin = world.admin().await;
        for _ in 0..2 {
            assert_eq!(admin.delete(&path).await.status, 204, "erasing twice is erasing once");
        }
        world.settle().await;
        assert_eq!(admin.delete(&path).await.status, 204);
        assert_eq!(ada.get("/me").await.status, 401);
        assert_eq!(admin.delete("/admin/users/6a0f5c1e-7b1d-4c57-9a3e-50756b000001").await.status, 404);
    }
}
