//! `POST /admin/partners/{id}/keys`

use axum::extract::State;
use serde::Deserialize;
use souk_app::{AppError, partners};
use souk_ports::SecretKind;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, Privileged},
    wire::partner::NewPartnerKey,
};

/// A new key of a partner.
#[derive(Deserialize, ToSchema)]
pub struct PartnerKeyBody {
    /// What it is called, one line of 1 to 100 characters.
    #[schema(example = "production")]
    label: String,
}

/// Makes a key for a partner. For admins.
///
/// It is shown this once.
#[utoipa::path(post, path = "/admin/partners/{id}/keys", tag = "admin", request_body = PartnerKeyBody,
    params(("id" = Uuid, Path, description = "Which partner")),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 201, description = "The key", body = NewPartnerKey)))]
pub async fn create_partner_key(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(id): PathParams<Uuid>,
    JsonBody(body): JsonBody<PartnerKeyBody>,
) -> Result<Written<NewPartnerKey>, ApiError> {
    let key = api.keyring.generate(SecretKind::Partner);
    let hash = api.keyring.hash(SecretKind::Partner, &key);
    let hash = hash.ok_or_else(|| AppError::Internal("a new key of a partner is none".to_owned()))?;
    let done = partners::issue_key(&api.app, &context, id.into(), &body.label, hash).await?;
    Ok(Written::created(done.position, NewPartnerKey { id: done.value, key, label: body.label }))
}
