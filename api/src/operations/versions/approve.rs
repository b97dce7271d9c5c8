//! `POST /plugins/{plugin}/versions/{version}/approve`

use axum::extract::State;
use souk_app::plugins;

use super::version;
use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{PathParams, Privileged},
    operations::shared::written_version,
    wire::catalogue::Version,
};

/// Lets a version be installed that the pipeline left to a human. For moderators.
#[utoipa::path(post, path = "/plugins/{plugin}/versions/{version}/approve", tag = "versions",
    params(("plugin" = String, Path, description = "Id or name"), ("version" = String, Path, description = "Semver")),
    security(("bearer" = []), ("apiKey" = [])), responses((status = 200, description = "Approved", body = Version)))]
pub async fn approve_version(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams((plugin, number)): PathParams<(String, String)>,
) -> Result<Written<Version>, ApiError> {
    let number = version(&number)?;
    let done = plugins::approve(&api.app, &context, &plugin.as_str().into(), &number).await?;
    Ok(Written::ok(done.position, written_version(&api, done).await))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn only_a_moderator_approves() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.escalated("log-reader", "1.0.0").await;
        let path = "/plugins/log-reader/versions/1.0.0/approve";
        assert_eq!(world.nobody().post(path, json!({})).await.status, 401);
        assert_eq!(seller.person.post(path, json!({})).await.status, 403);
        let answer = world.moderator().await.post(path, json!({})).await;
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!("approved")), "{}", answer.body);
    }

    #[tokio::test]
    async fn nothing_is_approved_before_its_validation() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.plugin("log-reader").await;
        seller.submit("log-reader", "1.0.0").await;
        let answer = world.moderator().await.post("/plugins/log-reader/versions/1.0.0/approve", json!({})).await;
        assert_eq!((answer.status, answer.code()), (409, "conflict"), "{}", answer.body);
    }
}
