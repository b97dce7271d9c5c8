//! `POST /plugins/{plugin}/reinstate`

use axum::extract::State;
use souk_app::plugins;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{PathParams, Privileged},
    operations::shared::written_plugin,
    wire::catalogue::Plugin,
};

/// Puts a suspended plugin back. For moderators.
#[utoipa::path(post, path = "/plugins/{plugin}/reinstate", tag = "plugins",
    params(("plugin" = String, Path, description = "Id or name")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "Reinstated", body = Plugin)))]
pub async fn reinstate_plugin(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(plugin): PathParams<String>,
) -> Result<Written<Plugin>, ApiError> {
    let done = plugins::reinstate(&api.app, &context, &plugin.as_str().into()).await?;
    Ok(Written::ok(done.position, written_plugin(&api, done).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn only_a_moderator_reinstates() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.plugin("log-reader").await;
        let moderator = world.moderator().await;
        moderator.post("/plugins/log-reader/suspend", json!({"reason": "looked odd"})).await;
        assert_eq!(seller.person.post("/plugins/log-reader/reinstate", json!({})).await.status, 403);
        let answer = moderator.post("/plugins/log-reader/reinstate", json!({})).await;
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!("draft")));
    }
}
