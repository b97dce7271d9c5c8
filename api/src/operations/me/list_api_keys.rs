//! `GET /me/api-keys`

use axum::{Json, extract::State};
use souk_app::users;

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, SignedIn},
    wire::{List, account::ApiKey},
};

/// The caller's API keys; not the keys themselves, which nobody knows.
#[utoipa::path(get, path = "/me/api-keys", tag = "me", security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "All of them", body = List<ApiKey>)))]
pub async fn list_api_keys(
    State(api): State<Api>,
    who: SignedIn,
    _: MinPosition,
) -> Result<Json<List<ApiKey>>, ApiError> {
    let keys = users::api_keys(&api.app, &who.context).await?;
    Ok(Json(List::whole(keys.into_iter().map(|(id, label)| ApiKey { id, label }).collect())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn keys_are_listed_without_themselves() {
        let world = World::new();
        let ada = world.person("ada").await;
        let made = ada.post("/me/api-keys", json!({"label": "one"})).await;
        let answer = ada.get("/me/api-keys").await;
        let expected = json!({"items": [{"id": made.body["id"], "label": "one"}], "nextCursor": null});
        assert_eq!((answer.status, answer.body), (200, expected));
        assert_eq!(world.nobody().get("/me/api-keys").await.status, 401);
    }
}
