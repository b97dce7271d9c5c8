//! `DELETE /me/api-keys/{id}`

use axum::extract::State;
use souk_app::users;
use uuid::Uuid;

use crate::{
    Api,
    answer::Gone,
    error::ApiError,
    extract::{PathParams, SignedIn},
};

/// Ends an API key of the caller, at once.
#[utoipa::path(delete, path = "/me/api-keys/{id}", tag = "me", params(("id" = Uuid, Path, description = "Which key")),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 204, description = "It opens nothing any more")))]
pub async fn delete_api_key(
    State(api): State<Api>,
    who: SignedIn,
    PathParams(key): PathParams<Uuid>,
) -> Result<Gone, ApiError> {
    Ok(Gone(users::revoke_api_key(&api.app, &who.context, key.into()).await?.position))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn a_key_opens_nothing_any_more() {
        let world = World::new();
        let ada = world.person("ada").await;
        let made = ada.post("/me/api-keys", json!({"label": "one"})).await;
        let path = format!("/me/api-keys/{}", made.body["id"].as_str().unwrap());
        let stranger = world.person("ben").await;
        assert_eq!(stranger.delete(&path).await.status, 404);
        assert_eq!(ada.delete(&path).await.status, 204);
        assert_eq!(world.with_token(made.body["key"].as_str().unwrap()).get("/me").await.status, 401);
        assert_eq!(ada.delete("/me/api-keys/nonsense").await.status, 404);
    }
}
