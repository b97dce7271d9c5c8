//! `POST /auth/refresh`

use axum::{Json, extract::State};
use souk_app::users;
use souk_ports::{SecretKind, store::Rotation};

use super::{RefreshBody, new_refresh_token, refresh_expiry, session};
use crate::{Api, error::ApiError, extract::JsonBody, wire::account::Session};

/// Exchanges a refresh token for new tokens.
///
/// Each works once. One that comes a second time was stolen, or its thief's came first: all that came of it are revoked.
#[utoipa::path(post, path = "/auth/refresh", tag = "auth", request_body = RefreshBody,
    responses((status = 200, description = "New tokens", body = Session)))]
pub async fn refresh(State(api): State<Api>, JsonBody(body): JsonBody<RefreshBody>) -> Result<Json<Session>, ApiError> {
    let refused = || ApiError::unauthorized("the refresh token is not valid, has expired, or was used before");
    let token = api.keyring.hash(SecretKind::Refresh, &body.refresh_token).ok_or_else(refused)?;
    let (next, hash) = new_refresh_token(&api)?;
    let ports = api.app.ports();
    match ports.credentials.rotate(token, hash, ports.clock.now(), refresh_expiry(&api)).await? {
        Rotation::Rotated(user) => {
            let profile = users::profile(&api.app, user).await?;
            Ok(Json(session(&api, profile, next)?))
        }
        Rotation::Reused(user) => {
            tracing::warn!(%user, "a refresh token was used twice: its family is revoked");
            Err(refused())
        }
        Rotation::Invalid => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn a_token_works_once_and_its_second_use_revokes_its_family() {
        let world = World::new();
        let ada = world.person("ada").await;
        let nobody = world.nobody();
        let refresh = async |token: &str| nobody.post("/auth/refresh", json!({"refreshToken": token})).await;
        let next = refresh(&ada.refresh_token).await;
        assert_eq!(next.status, 200, "{}", next.body);
        let next = next.body["refreshToken"].as_str().unwrap().to_owned();
        let reused = refresh(&ada.refresh_token).await;
        assert_eq!((reused.status, reused.code()), (401, "unauthorized"));
        assert_eq!(refresh(&next).await.status, 401, "the whole family is revoked");
    }

    #[tokio::test]
    async fn an_old_token_is_refused() {
        let world = World::new();
        let ada = world.person("ada").await;
        world.clock.advance(std::time::Duration::from_secs(31 * 24 * 3600));
        let body = json!({"refreshToken": ada.refresh_token});
        assert_eq!(world.nobody().post("/auth/refresh", body).await.status, 401);
    }

    #[tokio::test]
    async fn nonsense_is_refused() {
        let answer = World::new().nobody().post("/auth/refresh", json!({"refreshToken": "x"})).await;
        assert_eq!(answer.status, 401);
    }
}
