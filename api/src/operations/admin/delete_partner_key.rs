//! `DELETE /admin/partners/{id}/keys/{key}`

use axum::extract::State;
use souk_app::partners;
use uuid::Uuid;

use crate::{
    Api,
    answer::Gone,
    error::ApiError,
    extract::{PathParams, Privileged},
};

/// Ends a key of a partner. For admins.
#[utoipa::path(delete, path = "/admin/partners/{id}/keys/{key}", tag = "admin",
    params(("id" = Uuid, Path, description = "Which partner"), ("key" = Uuid, Path, description = "Which key")),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 204, description = "It opens nothing any more")))]
pub async fn delete_partner_key(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams((id, key)): PathParams<(Uuid, Uuid)>,
) -> Result<Gone, ApiError> {
    Ok(Gone(partners::revoke_key(&api.app, &context, id.into(), key.into()).await?.position))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn a_key_opens_until_it_is_ended() {
        let world = World::new();
        let admin = world.admin().await;
        let partner = world.partner(json!({"types": ["*"]})).await;
        let path = format!("/admin/partners/{}/keys", partner.id);
        let made = admin.post(&path, json!({"label": "second"})).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let key = made.body["key"].as_str().unwrap();
        assert!(key.starts_with("souk_pk_"));
        let second = world.nobody().header("x-api-key", key);
        assert_eq!(second.get("/partners/me").await.status, 200);
        let path = format!("{path}/{}", made.body["id"].as_str().unwrap());
        assert_eq!(partner.delete(&path).await.status, 401, "not by itself");
        assert_eq!(admin.delete(&path).await.status, 204);
        assert_eq!(second.get("/partners/me").await.status, 401);
        assert_eq!(partner.get("/partners/me").await.status, 200, "the other one opens");
        assert_eq!(admin.delete(&path).await.status, 404);
        assert!(!world.memory.events().iter().any(|event| String::from_utf8_lossy(&event.data).contains(key)));
    }
}
