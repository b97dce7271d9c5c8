//! `POST /plugins/{plugin}/versions/{version}/yank`

use axum::extract::State;
use souk_app::plugins;

use super::version;
use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, Privileged},
    operations::shared::written_version,
    wire::{Reason, catalogue::Version},
};

/// Takes an approved version back: it no longer installs. For the plugin's vendor and admins.
#[utoipa::path(post, path = "/plugins/{plugin}/versions/{version}/yank", tag = "versions", request_body = Reason,
    params(("plugin" = String, Path, description = "Id or name"), ("version" = String, Path, description = "Semver")),
    security(("bearer" = []), ("apiKey" = [])), responses((status = 200, description = "Yanked", body = Version)))]
pub async fn yank_version(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams((plugin, number)): PathParams<(String, String)>,
    JsonBody(body): JsonBody<Reason>,
) -> Result<Written<Version>, ApiError> {
    let number = version(&number)?;
    let done = plugins::yank(&api.app, &context, &plugin.as_str().into(), &number, &body.reason).await?;
    Ok(Written::ok(done.position, written_version(&api, done).await))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn the_vendor_takes_an_approved_version_back() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.published("log-reader", "1.0.0").await;
        let path = "/plugins/log-reader/versions/1.0.0/yank";
        let body = json!({"reason": "deletes logs"});
        assert_eq!(world.nobody().post(path, body.clone()).await.status, 401);
        assert_eq!(world.person("ben").await.post(path, body.clone()).await.status, 403);
        let answer = seller.person.post(path, body).await;
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!("yanked")), "{}", answer.body);
    }

    #[tokio::test]
    async fn only_what_was_approved_is_yanked() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.plugin("log-reader").await;
        seller.submit("log-reader", "1.0.0").await;
        let yank = async |version: &str| {
            let path = format!("/plugins/log-reader/versions/{version}/yank");
            seller.person.post(&path, json!({"reason": "r"})).await.status
        };
        assert_eq!((yank("1.0.0").await, yank("9.9.9").await, yank("one").await), (409, 404, 404));
    }
}
