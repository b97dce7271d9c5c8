//! `POST /plugins/{plugin}/versions/{version}/reject`

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

/// Refuses a version that the pipeline left to a human. For moderators.
#[utoipa::path(post, path = "/plugins/{plugin}/versions/{version}/reject", tag = "versions", request_body = Reason,
    params(("plugin" = String, Path, description = "Id or name"), ("version" = String, Path, description = "Semver")),
    security(("bearer" = []), ("apiKey" = [])), responses((status = 200, description = "Rejected", body = Version)))]
pub async fn reject_version(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams((plugin, number)): PathParams<(String, String)>,
    JsonBody(body): JsonBody<Reason>,
) -> Result<Written<Version>, ApiError> {
    let number = version(&number)?;
    let done = plugins::reject(&api.app, &context, &plugin.as_str().into(), &number, &body.reason).await?;
    Ok(Written::ok(done.position, written_version(&api, done).await))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn only_a_moderator_rejects() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.escalated("log-reader", "1.0.0").await;
        let path = "/plugins/log-reader/versions/1.0.0/reject";
        let body = json!({"reason": "does nothing"});
        assert_eq!(world.nobody().post(path, body.clone()).await.status, 401);
        assert_eq!(seller.person.post(path, body.clone()).await.status, 403);
        let moderator = world.moderator().await;
        assert_eq!(moderator.post(path, json!({})).await.status, 422);
        let answer = moderator.post(path, body).await;
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!("rejected")), "{}", answer.body);
    }
}
