//! `GET /me`

use axum::{Json, extract::State};
use souk_app::users;

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, SignedIn},
    wire::account::User,
};

/// Whoever asks.
#[utoipa::path(get, path = "/me", tag = "me", security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The account", body = User)))]
pub async fn me(State(api): State<Api>, who: SignedIn, _: MinPosition) -> Result<Json<User>, ApiError> {
    Ok(Json(users::profile(&api.app, who.user).await?.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn an_account_sees_itself() {
        let world = World::new();
        let ada = world.person("ada").await;
        let answer = ada.get("/me").await;
        assert_eq!(answer.status, 200);
        let expected = json!({"id": ada.id, "email": "ada@example.com", "displayName": "ada", "roles": ["customer"]});
        assert_eq!(answer.body, expected);
        assert_eq!(answer.header("cache-control"), "no-store");
    }

    #[tokio::test]
    async fn nobody_is_told_to_sign_in() {
        let world = World::new();
        let answer = world.nobody().get("/me").await;
        assert_eq!((answer.status, answer.code()), (401, "unauthorized"));
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
        assert_eq!(world.with_token("nonsense").get("/me").await.status, 401);
    }

    #[tokio::test]
    async fn a_token_ends_with_its_time() {
        let world = World::new();
        let ada = world.person("ada").await;
        world.clock.advance(std::time::Duration::from_secs(16 * 60));
        assert_eq!(ada.get("/me").await.status, 401);
    }
}
