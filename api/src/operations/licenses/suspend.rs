//! `POST /licenses/{id}/suspend`

use axum::extract::State;
use souk_app::licenses;
use uuid::Uuid;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, Privileged},
    operations::shared,
    wire::{Reason, library::License},
};

/// Makes a license not good for now. For the plugin's vendor and admins.
#[utoipa::path(post, path = "/licenses/{id}/suspend", tag = "licenses", request_body = Reason,
    params(("id" = Uuid, Path, description = "Which license")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "Suspended", body = License)))]
pub async fn suspend_license(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(license): PathParams<Uuid>,
    JsonBody(body): JsonBody<Reason>,
) -> Result<Written<License>, ApiError> {
    let done = licenses::suspend(&api.app, &context, license.into(), &body.reason).await?;
    Ok(Written::ok(done.position, shared::license(&api, done.value, done.position, false).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn the_vendor_suspends() {
        let world = World::new();
        let licensed = world.licensed("log-reader").await;
        let path = format!("/licenses/{}/suspend", licensed.license);
        let body = json!({"reason": "shared with everyone"});
        assert_eq!(world.nobody().post(&path, body.clone()).await.status, 401);
        assert!([403, 404].contains(&licensed.holder.post(&path, body.clone()).await.status));
        let answer = licensed.seller.person.post(&path, body).await;
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!("suspended")), "{}", answer.body);
        assert!(answer.body["key"].is_null(), "a key is its holder's");
        let verdict = world.nobody().post("/licenses/validate", json!({"key": licensed.key})).await;
        assert_eq!(verdict.body["code"], "SUSPENDED");
    }
}
