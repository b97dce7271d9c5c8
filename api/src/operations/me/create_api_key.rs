//! `POST /me/api-keys`

use axum::extract::State;
use serde::Deserialize;
use souk_app::{AppError, users};
use souk_ports::SecretKind;
use utoipa::ToSchema;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, SignedIn},
    wire::account::NewApiKey,
};

/// A new API key.
#[derive(Deserialize, ToSchema)]
pub struct ApiKeyBody {
    /// What its owner calls it, one line of 1 to 100 characters.
    #[schema(example = "build server")]
    label: String,
}

/// Makes an API key, for programs.
///
/// It is shown this once.
#[utoipa::path(post, path = "/me/api-keys", tag = "me", request_body = ApiKeyBody,
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 201, description = "The key", body = NewApiKey)))]
pub async fn create_api_key(
    State(api): State<Api>,
    who: SignedIn,
    JsonBody(body): JsonBody<ApiKeyBody>,
) -> Result<Written<NewApiKey>, ApiError> {
    let key = api.keyring.generate(SecretKind::ApiKey);
    let hash = api.keyring.hash(SecretKind::ApiKey, &key);
    let hash = hash.ok_or_else(|| AppError::Internal("a new API key is none".to_owned()))?;
    let done = users::issue_api_key(&api.app, &who.context, &body.label, hash).await?;
    Ok(Written::created(done.position, NewApiKey { id: done.value, key, label: body.label }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn a_key_opens_what_its_owner_may_in_both_headers() {
        let world = World::new();
        let ada = world.person("ada").await;
        let answer = ada.post("/me/api-keys", json!({"label": "build server"})).await;
        assert_eq!((answer.status, &answer.body["label"]), (201, &json!("build server")));
        let key = answer.body["key"].as_str().unwrap();
        assert!(key.starts_with("souk_key_"));
        assert_eq!(world.with_token(key).get("/me").await.body["id"], json!(ada.id));
        assert_eq!(world.nobody().header("x-api-key", key).get("/me").await.body["id"], json!(ada.id));
        assert_eq!(world.nobody().header("x-api-key", "souk_key_nonsense").get("/me").await.status, 401);
    }

    #[tokio::test]
    async fn a_label_is_needed() {
        let ada = World::new().person("ada").await;
        assert_eq!(ada.post("/me/api-keys", json!({})).await.status, 422);
        assert_eq!(ada.post("/me/api-keys", json!({"label": " "})).await.status, 422);
    }
}
