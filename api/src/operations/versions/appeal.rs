//! `POST /plugins/{plugin}/versions/{version}/appeal`

use axum::extract::State;
use souk_app::plugins;

use super::version;
use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, Privileged},
    wire::moderation::{AppealMade, AppealReason},
};

/// Speaks against the rejection of a version, once a version. For the plugin's vendor. A moderator answers, for good.
#[utoipa::path(post, path = "/plugins/{plugin}/versions/{version}/appeal", tag = "versions", request_body = AppealReason,
    params(("plugin" = String, Path, description = "Id or name"), ("version" = String, Path, description = "Semver")),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 201, description = "Waits for a moderator", body = AppealMade),
        (status = 200, description = "The same was said before", body = AppealMade)))]
pub async fn appeal_version(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams((plugin, number)): PathParams<(String, String)>,
    JsonBody(body): JsonBody<AppealReason>,
) -> Result<Written<AppealMade>, ApiError> {
    let number = version(&number)?;
    let done = plugins::appeal(&api.app, &context, &plugin.as_str().into(), &number, &body.reason).await?;
    let made = done.value.clone().into();
    Ok(Written::created_if(&done, "validation.appealed", made))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    const VERSION: &str = "/plugins/log-reader/versions/1.0.0";

    #[tokio::test]
    async fn a_vendor_appeals_once_and_a_moderator_answers() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.escalated("log-reader", "1.0.0").await;
        let (path, body) = (format!("{VERSION}/appeal"), json!({"reason": "It reads logs only."}));
        let early = seller.person.post(&path, body.clone()).await;
        assert_eq!((early.status, &early.body["error"]["details"]["reason"]), (409, &json!("not_rejected")));
        let (moderator, no) = (world.moderator().await, json!({"reason": "Reads all."}));
        assert_eq!(moderator.post(&format!("{VERSION}/reject"), no).await.status, 200);

        assert_eq!(world.nobody().post(&path, body.clone()).await.status, 401);
        assert_eq!(moderator.post(&path, body.clone()).await.status, 403);
        let made = seller.person.post(&path, body.clone()).await;
        assert_eq!((made.status, &made.body["state"]), (201, &json!("open")), "{}", made.body);
        assert_eq!(seller.person.post(&path, body).await.status, 200);
        let other = seller.person.post(&path, json!({"reason": "Another word."})).await;
        assert_eq!((other.status, &other.body["error"]["details"]["reason"]), (409, &json!("already_appealed")));

        let unread = moderator.post(&format!("{VERSION}/approve"), json!({})).await;
        assert_eq!((unread.status, &unread.body["error"]["details"]["reason"]), (409, &json!("appeal_open")));
        let yes = json!({"onAppeal": true, "reason": "You are right."});
        let answered = moderator.post(&format!("{VERSION}/approve"), yes.clone()).await;
        assert_eq!((answered.status, &answered.body["status"]), (200, &json!("approved")), "{}", answered.body);
        assert_eq!(answered.body["adjudication"]["onAppeal"], json!(true));
        assert_eq!(moderator.post(&format!("{VERSION}/approve"), yes).await.status, 200);
        assert_eq!((world.count("validation.adjudicated"), world.count("plugin.version_approved")), (2, 1));
    }

    #[tokio::test]
    async fn what_cannot_be_appealed_is_refused_in_words() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.plugin("log-reader").await;
        seller.submit("log-reader", "1.0.0").await;
        let appeal = async |number: &str, reason: &str| {
            let path = format!("/plugins/log-reader/versions/{number}/appeal");
            let answer = seller.person.post(&path, json!({"reason": reason})).await;
            (answer.status, answer.body["error"]["details"]["reason"].as_str().unwrap_or_default().to_owned())
        };
        assert_eq!(appeal("1.0.0", "Why?").await, (409, "validation_not_concluded".to_owned()));
        assert_eq!(appeal("9.0.0", "Why?").await.0, 404);
        assert_eq!(appeal("one", "Why?").await.0, 404);
        assert_eq!(appeal("1.0.0", " ").await.0, 422);
        assert_eq!(appeal("1.0.0", &"x".repeat(5_001)).await.0, 422);
        seller.approved().await;
        assert_eq!(appeal("1.0.0", "Why?").await, (409, "not_rejected".to_owned()));
    }
}
