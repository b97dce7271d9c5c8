//! `POST /licenses/{id}/revoke`

use axum::extract::State;
use souk_app::licenses;
use uuid::Uuid;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{OptionalJson, PathParams, Privileged},
    operations::shared,
    wire::{MaybeReason, library::License},
};

/// Ends a license for good. For the plugin's vendor and admins.
#[utoipa::path(post, path = "/licenses/{id}/revoke", tag = "licenses", request_body = Option<MaybeReason>,
    params(("id" = Uuid, Path, description = "Which license")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "Revoked", body = License)))]
pub async fn revoke_license(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(license): PathParams<Uuid>,
    OptionalJson(body): OptionalJson<MaybeReason>,
) -> Result<Written<License>, ApiError> {
    let done = licenses::revoke(&api.app, &context, license.into(), body.text()).await?;
    Ok(Written::ok(done.position, shared::license(&api, done.value, done.position, false).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn what_is_revoked_stays_revoked() {
        let world = World::new();
        let licensed = world.licensed("log-reader").await;
        let path = |what: &str| format!("/licenses/{}/{what}", licensed.license);
        let vendor = &licensed.seller.person;
        assert_eq!(vendor.post(&path("revoke"), json!({"reason": ""})).await.status, 422);
        let answer = vendor.post(&path("revoke"), json!({"reason": "stolen card"})).await;
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!("revoked")), "{}", answer.body);
        assert_eq!(vendor.post(&path("reinstate"), json!({})).await.status, 409);
        let verdict = world.nobody().post("/licenses/validate", json!({"key": licensed.key})).await;
        assert_eq!((&verdict.body["valid"], &verdict.body["code"]), (&json!(false), &json!("REVOKED")));
    }
}
