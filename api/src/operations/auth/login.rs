//! `POST /auth/login`

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_app::{Secret, users};
use utoipa::ToSchema;

use super::begin_session;
use crate::{Api, error::ApiError, extract::JsonBody, wire::account::Session};

/// Who signs in.
#[derive(Deserialize, ToSchema)]
pub struct LoginBody {
    /// E-mail address.
    #[schema(value_type = String, example = "ada@example.com")]
    email: Secret,
    /// Password.
    #[schema(value_type = String)]
    password: Secret,
}

/// Signs in.
///
/// An unknown address and a wrong password are refused alike.
#[utoipa::path(post, path = "/auth/login", tag = "auth", request_body = LoginBody,
    responses((status = 200, description = "Signed in", body = Session)))]
pub async fn login(State(api): State<Api>, JsonBody(body): JsonBody<LoginBody>) -> Result<Json<Session>, ApiError> {
    let profile = users::authenticate(&api.app, &body.email.0, &body.password.0).await?;
    Ok(Json(begin_session(&api, profile).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{PASSWORD, World};

    #[tokio::test]
    async fn the_right_password_signs_in() {
        let world = World::new();
        let ada = world.person("ada").await;
        let body = json!({"email": "ada@example.com", "password": PASSWORD});
        let answer = world.nobody().post("/auth/login", body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.body["user"]["id"], json!(ada.id));
    }

    #[tokio::test]
    async fn wrong_passwords_and_unknown_addresses_are_refused_alike() {
        let world = World::new();
        world.person("ada").await;
        let try_with = async |email: &str, password: &str| {
            let answer = world.nobody().post("/auth/login", json!({"email": email, "password": password})).await;
            assert_eq!((answer.status, answer.code()), (401, "unauthorized"));
            answer.body["error"]["message"].clone()
        };
        let wrong = try_with("ada@example.com", "not her password").await;
        assert_eq!(wrong, try_with("nobody@example.com", PASSWORD).await);
        assert_eq!(wrong, try_with("no address", PASSWORD).await);
    }

    #[tokio::test]
    async fn an_expired_token_does_not_keep_anyone_from_signing_in() {
        let world = World::new();
        world.person("ada").await;
        let body = json!({"email": "ada@example.com", "password": PASSWORD});
        assert_eq!(world.with_token("expired").post("/auth/login", body).await.status, 200);
    }
}
