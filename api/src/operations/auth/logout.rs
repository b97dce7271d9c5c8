//! `POST /auth/logout`

use axum::{extract::State, http::StatusCode};
use souk_ports::SecretKind;

use super::RefreshBody;
use crate::{Api, error::ApiError, extract::JsonBody};

/// Signs out: the refresh token, and all that came of the same signing in, work no longer.
#[utoipa::path(post, path = "/auth/logout", tag = "auth", request_body = RefreshBody,
    responses((status = 204, description = "Signed out, or was not signed in")))]
pub async fn logout(State(api): State<Api>, JsonBody(body): JsonBody<RefreshBody>) -> Result<StatusCode, ApiError> {
    if let Some(token) = api.keyring.hash(SecretKind::Refresh, &body.refresh_token) {
        api.app.ports().credentials.end_family(token).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn a_token_works_no_longer() {
        let world = World::new();
        let ada = world.person("ada").await;
        let body = json!({"refreshToken": ada.refresh_token});
        assert_eq!(world.nobody().post("/auth/logout", body.clone()).await.status, 204);
        assert_eq!(world.nobody().post("/auth/refresh", body.clone()).await.status, 401);
        assert_eq!(world.nobody().post("/auth/logout", body).await.status, 204, "signing out twice is fine");
    }
}
