//! Accounts.

use std::{collections::BTreeSet, fmt};

use serde::Serialize;
use souk_app::users::Profile;
use souk_domain::{
    id::{ApiKeyId, UserId},
    user::Role,
};
use utoipa::ToSchema;

use super::vocabulary;

/// An account.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Who.
    #[schema(value_type = Uuid)]
    pub id: UserId,
    /// E-mail address; null once it was erased.
    pub email: Option<String>,
    /// Name to show; null once it was erased.
    pub display_name: Option<String>,
    /// What it may do; `customer` is always there.
    #[schema(value_type = Vec<vocabulary::Role>)]
    pub roles: BTreeSet<Role>,
}

impl From<Profile> for User {
    fn from(profile: Profile) -> Self {
        let Profile { id, email, display_name, roles } = profile;
        Self { id, email, display_name, roles }
    }
}

/// Somebody who is signed in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Who.
    pub user: User,
    /// For `Authorization: Bearer`.
    pub access_token: String,
    /// To be exchanged for new tokens, once.
    pub refresh_token: String,
    /// How long the access token is good for, seconds.
    #[schema(example = 900)]
    pub expires_in: u64,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("user", &self.user.id).finish_non_exhaustive()
    }
}

/// An API key that was just made.
#[derive(Serialize, ToSchema)]
pub struct NewApiKey {
    /// Which.
    #[schema(value_type = Uuid)]
    pub id: ApiKeyId,
    /// For `X-API-Key` or `Authorization: Bearer`. It is shown this once.
    pub key: String,
    /// What its owner calls it.
    pub label: String,
}

/// An API key.
#[derive(Serialize, ToSchema)]
pub struct ApiKey {
    /// Which.
    #[schema(value_type = Uuid)]
    pub id: ApiKeyId,
    /// What its owner calls it.
    pub label: Option<String>,
}
