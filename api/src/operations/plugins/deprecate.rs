//! `POST /plugins/{plugin}/deprecate`

use axum::extract::State;
use serde::Deserialize;
use souk_app::plugins;
use utoipa::ToSchema;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, Privileged},
    operations::shared::written_plugin,
    wire::catalogue::Plugin,
};

/// The end of a plugin.
#[derive(Deserialize, ToSchema)]
pub struct DeprecateBody {
    /// What users should do, 1 to 1,000 characters.
    message: String,
}

/// Announces a plugin's end. For its vendor and admins.
#[utoipa::path(post, path = "/plugins/{plugin}/deprecate", tag = "plugins", request_body = DeprecateBody,
    params(("plugin" = String, Path, description = "Id or name")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "Deprecated", body = Plugin)))]
pub async fn deprecate_plugin(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(plugin): PathParams<String>,
    JsonBody(body): JsonBody<DeprecateBody>,
) -> Result<Written<Plugin>, ApiError> {
    let done = plugins::deprecate(&api.app, &context, &plugin.as_str().into(), &body.message).await?;
    Ok(Written::ok(done.position, written_plugin(&api, done).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn only_the_vendor_and_admins_announce_it() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.plugin("log-reader").await;
        let body = json!({"message": "use log-writer"});
        let path = "/plugins/log-reader/deprecate";
        assert_eq!(world.person("ben").await.post(path, body.clone()).await.status, 403);
        let answer = seller.person.post(path, body).await;
        assert_eq!((answer.status, &answer.body["deprecated"]), (200, &json!("use log-writer")));
        assert_eq!(seller.person.post(path, json!({"message": ""})).await.status, 422);
    }
}
