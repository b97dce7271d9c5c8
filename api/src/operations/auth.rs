//! Signing in.

pub mod login;
pub mod logout;
pub mod refresh;
pub mod register;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use souk_app::{AppError, users::Profile};
use souk_ports::SecretKind;
use utoipa::ToSchema;

use crate::{Api, error::ApiError, wire::account::Session};

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefreshBody {
    /// As it was given out.
    refresh_token: String,
}

/// Tokens for somebody who proved who they are: the first of a new family.
async fn begin_session(api: &Api, profile: Profile) -> Result<Session, ApiError> {
    let ports = api.app.ports();
    let (refresh, hash) = new_refresh_token(api)?;
    ports.credentials.start_family(profile.id, ports.random.uuid(), hash, refresh_expiry(api)).await?;
    session(api, profile, refresh)
}

fn session(api: &Api, profile: Profile, refresh_token: String) -> Result<Session, ApiError> {
    let access = api.keyring.issue(profile.id, &profile.roles)?;
    let expires_in = access.expires_in;
    Ok(Session { user: profile.into(), access_token: access.text, refresh_token, expires_in })
}

fn new_refresh_token(api: &Api) -> Result<(String, [u8; 32]), ApiError> {
    let token = api.keyring.generate(SecretKind::Refresh);
    let hash = api.keyring.hash(SecretKind::Refresh, &token);
    let hash = hash.ok_or_else(|| AppError::Internal("a new refresh token is none".to_owned()))?;
    Ok((token, hash))
}

fn refresh_expiry(api: &Api) -> DateTime<Utc> {
    api.app.ports().clock.now() + api.settings.refresh_lifetime
}
