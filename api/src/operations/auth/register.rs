//! `POST /auth/register`

use axum::extract::State;
use serde::Deserialize;
use souk_app::{Secret, users};
use utoipa::ToSchema;

use super::begin_session;
use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{Anyone, JsonBody},
    wire::account::Session,
};

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegisterBody {
    /// E-mail address.
    #[schema(value_type = String, example = "ada@example.com")]
    email: Secret,
    /// 8 to 256 characters.
    #[schema(value_type = String, min_length = 8, max_length = 256)]
    password: Secret,
    /// Name to show, one line of 1 to 100 characters.
    #[schema(value_type = String)]
    display_name: Secret,
}

/// Opens an account and signs in.
///
/// A taken e-mail address is refused with 409.
#[utoipa::path(post, path = "/auth/register", tag = "auth", request_body = RegisterBody,
    responses((status = 201, description = "The account is open", body = Session)))]
pub async fn register(
    State(api): State<Api>,
    Anyone(context): Anyone,
    JsonBody(body): JsonBody<RegisterBody>,
) -> Result<Written<Session>, ApiError> {
    let RegisterBody { email, password, display_name } = body;
    let done = users::register(&api.app, &context, users::Register { email, password, display_name }).await?;
    let session = begin_session(&api, done.value).await?;
    Ok(Written::created(done.position, session))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn somebody_new_is_signed_in() {
        let world = World::new();
        let body = json!({"email": "ada@example.com", "password": "correct horse", "displayName": "Ada"});
        let answer = world.nobody().post("/auth/register", body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        assert_eq!(answer.body["user"]["email"], "ada@example.com");
        assert_eq!(answer.body["user"]["roles"], json!(["customer"]));
        assert!(answer.body["expiresIn"].as_u64().unwrap() > 0);
        assert!(answer.position().is_some());
        let token = answer.body["accessToken"].as_str().unwrap();
        assert_eq!(world.with_token(token).get("/me").await.status, 200);
    }

    #[tokio::test]
    async fn an_address_is_taken_once_in_any_case() {
        let world = World::new();
        let body = |email| json!({"email": email, "password": "correct horse", "displayName": "Ada"});
        world.nobody().post("/auth/register", body("ada@example.com")).await;
        let answer = world.nobody().post("/auth/register", body("Ada@Example.com")).await;
        assert_eq!((answer.status, answer.code(), answer.reason()), (409, "conflict", "email_taken"));
    }

    #[tokio::test]
    async fn every_refused_field_is_named() {
        let body = json!({"email": "nobody", "password": "short", "displayName": ""});
        let answer = World::new().nobody().post("/auth/register", body).await;
        assert_eq!((answer.status, answer.code()), (422, "validation_failed"));
        for field in ["email", "password", "displayName"] {
            assert!(answer.body["error"]["details"]["fields"].to_string().contains(field), "{}", answer.body);
        }
        assert!(!answer.body.to_string().contains("nobody"), "an address is never repeated");
    }
}
