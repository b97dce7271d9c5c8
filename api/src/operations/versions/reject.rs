//! `POST /plugins/{plugin}/versions/{version}/reject`

use axum::extract::State;
use souk_domain::validation::{Ruling, Verdict};

use super::judged;
use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, Privileged},
    wire::moderation::{JudgedVersion, Rejection},
};

/// Refuses a version that the pipeline left to a human, or upholds a rejection that its vendor appealed. For moderators who do not
/// own the plugin.
#[utoipa::path(post, path = "/plugins/{plugin}/versions/{version}/reject", tag = "versions", request_body = Rejection,
    params(("plugin" = String, Path, description = "Id or name"), ("version" = String, Path, description = "Semver")),
    security(("bearer" = []), ("apiKey" = [])), responses((status = 200, description = "Rejected", body = JudgedVersion)))]
pub async fn reject_version(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(named): PathParams<(String, String)>,
    JsonBody(body): JsonBody<Rejection>,
) -> Result<Written<JudgedVersion>, ApiError> {
    let ruling = Ruling { verdict: Verdict::Reject, reason: body.reason, on_appeal: body.on_appeal };
    judged(&api, &context, named, &ruling).await
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
