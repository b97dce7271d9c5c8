//! `POST /licenses/{id}/suspend`

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

/// Makes a license not good for now. For the plugin's vendor and admins.
#[utoipa::path(post, path = "/licenses/{id}/suspend", tag = "licenses", request_body = Option<MaybeReason>,
    params(("id" = Uuid, Path, description = "Which license")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "Suspended", body = License)))]
pub async fn suspend_license(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(license): PathParams<Uuid>,
    OptionalJson(body): OptionalJson<MaybeReason>,
) -> Result<Written<License>, ApiError> {
    let done = licenses::suspend(&api.app, &context, license.into(), body.text()).await?;
    Ok(Written::ok(done.position, shared::license(&api, done.value, done.position, false).await?))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
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

    #[tokio::test]
    async fn a_reason_may_be_left_out() {
        let world = World::new();
        let licensed = world.licensed("log-reader").await;
        let vendor = &licensed.seller.person;
        for what in ["suspend", "reinstate", "revoke"] {
            let path = format!("/licenses/{}/{what}", licensed.license);
            let answer = vendor.send("POST", &path, |request| request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, 200, "{what}: {}", answer.text);
        }
    }
}
