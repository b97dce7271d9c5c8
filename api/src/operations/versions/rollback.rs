//! `POST /plugins/{plugin}/versions/{version}/rollback`

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

/// Lets new installations get an approved version that is not the current one. For the plugin's vendor and admins.
///
/// `latestVersion` is this version from then on, until a higher one is approved. Versions above it still install for whoever asks
/// for them, and what is installed stays.
#[utoipa::path(post, path = "/plugins/{plugin}/versions/{version}/rollback", tag = "versions", request_body = Reason,
    params(("plugin" = String, Path, description = "Id or name"), ("version" = String, Path, description = "Semver")),
    security(("bearer" = []), ("apiKey" = [])), responses((status = 200, description = "Current", body = Version)))]
pub async fn roll_back_version(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams((plugin, number)): PathParams<(String, String)>,
    JsonBody(body): JsonBody<Reason>,
) -> Result<Written<Version>, ApiError> {
    let number = version(&number)?;
    let done = plugins::roll_back(&api.app, &context, &plugin.as_str().into(), &number, &body.reason).await?;
    Ok(Written::ok(done.position, written_version(&api, done).await))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use souk_domain::validation::Thresholds;

    use crate::testing::{Answer, Client, World};

    async fn back(person: &Client, version: &str) -> Answer {
        let path = format!("/plugins/log-reader/versions/{version}/rollback");
        person.post(&path, json!({"reason": "it loses lines"})).await
    }

    #[tokio::test]
    async fn the_vendor_goes_back_and_a_higher_version_goes_forward_again() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.published("log-reader", "1.0.0").await;
        seller.submit("log-reader", "1.1.0").await;
        seller.approved().await;
        assert_eq!(back(&world.nobody(), "1.0.0").await.status, 401);
        let stranger = world.person("ben").await;
        assert_eq!(back(&stranger, "1.0.0").await.status, 403);
        let answer = back(&seller.person, "1.0.0").await;
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!("approved")), "{}", answer.body);

        let latest = async || world.nobody().get("/plugins/log-reader").await.body["latestVersion"].clone();
        assert_eq!(latest().await, json!("1.0.0"));
        let user = world.person("cleo").await;
        let installed = user.post("/plugins/log-reader/install", json!({})).await;
        assert_eq!((installed.status, &installed.body["version"]), (201, &json!("1.0.0")), "{}", installed.body);
        let wished = user.post("/plugins/log-reader/install", json!({"version": "1.1.0"})).await;
        assert_eq!(wished.body["version"], json!("1.1.0"), "it still installs for whoever asks for it");

        seller.submit("log-reader", "1.2.0").await;
        seller.decided(Thresholds { approve: 255, escalate: 0 }).await;
        // Over HTTP, so that the process that answers knows of it at once.
        world.moderator().await.post("/plugins/log-reader/versions/1.2.0/approve", json!({})).await;
        assert_eq!(latest().await, json!("1.2.0"));
        let history = world.nobody().get("/plugins/log-reader/history?limit=100").await;
        let items = history.body["items"].as_array().unwrap().clone();
        let event = items.iter().find(|item| item["type"] == "plugin.rolled_back").unwrap();
        let data = json!({"version": "1.0.0", "fromVersion": "1.1.0", "reason": "it loses lines"});
        assert_eq!(event["data"], data);
    }

    #[tokio::test]
    async fn only_to_what_is_approved_and_not_current() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.published("log-reader", "1.0.0").await;
        seller.submit("log-reader", "1.1.0").await;
        let reason = |answer: Answer| (answer.status, answer.body["error"]["details"]["reason"].clone());
        assert_eq!(reason(back(&seller.person, "1.0.0").await), (409, json!("already_current")));
        assert_eq!(reason(back(&seller.person, "1.1.0").await), (409, json!("wrong_status")));
        assert_eq!(back(&seller.person, "9.9.9").await.status, 404);
        let blank = json!({"reason": " "});
        assert_eq!(seller.person.post("/plugins/log-reader/versions/1.0.0/rollback", blank).await.status, 422);
    }
}
