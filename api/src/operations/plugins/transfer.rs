//! `POST /plugins/{plugin}/transfer`

use axum::extract::State;
use serde::Deserialize;
use souk_app::plugins;
use utoipa::ToSchema;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, Privileged},
    operations::shared::{vendor_id, written_plugin},
    wire::catalogue::Plugin,
};

/// Another vendor.
#[derive(Deserialize, ToSchema)]
pub struct TransferBody {
    /// Who gets it, by id or slug.
    vendor: String,
}

/// Gives a plugin to another vendor. For admins, and for who owns both.
#[utoipa::path(post, path = "/plugins/{plugin}/transfer", tag = "plugins", request_body = TransferBody,
    params(("plugin" = String, Path, description = "Id or name")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "Transferred", body = Plugin)))]
pub async fn transfer_plugin(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(plugin): PathParams<String>,
    JsonBody(body): JsonBody<TransferBody>,
) -> Result<Written<Plugin>, ApiError> {
    let vendor = vendor_id(&api, &body.vendor).await?;
    let done = plugins::transfer(&api.app, &context, &plugin.as_str().into(), vendor).await?;
    Ok(Written::ok(done.position, written_plugin(&api, done).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn admins_and_owners_of_both_transfer() {
        let world = World::new();
        let seller = world.seller("acme").await;
        let other = world.seller("other").await;
        seller.plugin("log-reader").await;
        let body = json!({"vendor": "other"});
        let path = "/plugins/log-reader/transfer";
        assert_eq!(other.person.post(path, body.clone()).await.status, 403);
        assert_eq!(seller.person.post(path, body.clone()).await.status, 403);
        let answer = world.admin().await.post(path, body).await;
        assert_eq!((answer.status, &answer.body["vendor"]["slug"]), (200, &json!("other")));
    }
}
