//! `POST /plugins/{plugin}/suspend`

use axum::extract::State;
use souk_app::plugins;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, Privileged},
    operations::shared::written_plugin,
    wire::{Reason, catalogue::Plugin},
};

/// Takes a plugin out of the shop. For moderators.
#[utoipa::path(post, path = "/plugins/{plugin}/suspend", tag = "plugins", request_body = Reason,
    params(("plugin" = String, Path, description = "Id or name")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "Suspended", body = Plugin)))]
pub async fn suspend_plugin(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(plugin): PathParams<String>,
    JsonBody(body): JsonBody<Reason>,
) -> Result<Written<Plugin>, ApiError> {
    let done = plugins::suspend(&api.app, &context, &plugin.as_str().into(), &body.reason).await?;
    Ok(Written::ok(done.position, written_plugin(&api, done).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn only_a_moderator_suspends() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.plugin("log-reader").await;
        let body = json!({"reason": "steals passwords"});
        let path = "/plugins/log-reader/suspend";
        assert_eq!(world.nobody().post(path, body.clone()).await.status, 401);
        assert_eq!(seller.person.post(path, body.clone()).await.status, 403);
        let answer = world.moderator().await.post(path, body.clone()).await;
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!("suspended")));
        assert_eq!(world.admin().await.post("/plugins/unknown/suspend", body).await.status, 404);
    }
}
