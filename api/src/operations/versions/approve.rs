//! `POST /plugins/{plugin}/versions/{version}/approve`

use axum::extract::State;
use souk_domain::validation::{Ruling, Verdict};

use super::judged;
use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{OptionalJson, PathParams, Privileged},
    wire::moderation::{Approval, JudgedVersion},
};

/// Lets a version be installed that the pipeline left to a human, or whose vendor appealed against its rejection. For moderators
/// who do not own the plugin.
#[utoipa::path(post, path = "/plugins/{plugin}/versions/{version}/approve", tag = "versions", request_body = Option<Approval>,
    params(("plugin" = String, Path, description = "Id or name"), ("version" = String, Path, description = "Semver")),
    security(("bearer" = []), ("apiKey" = [])), responses((status = 200, description = "Approved", body = JudgedVersion)))]
pub async fn approve_version(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(named): PathParams<(String, String)>,
    OptionalJson(body): OptionalJson<Approval>,
) -> Result<Written<JudgedVersion>, ApiError> {
    let reason = body.reason.unwrap_or_else(|| "approved by a moderator".to_owned());
    judged(&api, &context, named, &Ruling { verdict: Verdict::Approve, reason, on_appeal: body.on_appeal }).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use souk_domain::user::Role;

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
        let said = json!({"verdict": "approve", "reason": "approved by a moderator", "onAppeal": false});
        assert_eq!(answer.body["adjudication"], said);
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

    #[tokio::test]
    async fn nobody_judges_a_plugin_of_their_own() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.escalated("log-reader", "1.0.0").await;
        world.grant(&seller.person, Role::Moderator).await;
        for (verb, body) in [("approve", json!({})), ("reject", json!({"reason": "does nothing"}))] {
            let path = format!("/plugins/log-reader/versions/1.0.0/{verb}");
            let answer = seller.person.post(&path, body).await;
            assert_eq!((answer.status, answer.code()), (403, "forbidden"), "{}", answer.body);
        }
        assert_eq!(world.count("validation.adjudicated"), 0);
    }

    #[tokio::test]
    async fn a_reason_is_checked_and_an_appeal_is_answered_only_where_there_is_one() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.escalated("log-reader", "1.0.0").await;
        let (path, moderator) = ("/plugins/log-reader/versions/1.0.0/approve", world.moderator().await);
        assert_eq!(moderator.post(path, json!({"reason": " "})).await.status, 422);
        assert_eq!(moderator.post(path, json!({"onAppeal": "yes"})).await.status, 422);
        let answer = moderator.post(path, json!({"onAppeal": true})).await;
        assert_eq!((answer.status, &answer.body["error"]["details"]["reason"]), (409, &json!("not_appealed")));
    }
}
