//! `DELETE /plugins/{plugin}/install`

use axum::extract::State;
use souk_app::installs;

use crate::{
    Api,
    answer::Gone,
    error::ApiError,
    extract::{PathParams, SignedIn},
};

/// Takes a plugin off.
#[utoipa::path(delete, path = "/plugins/{plugin}/install", tag = "installs",
    params(("plugin" = String, Path, description = "Id or name")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 204, description = "It is off")))]
pub async fn uninstall_plugin(
    State(api): State<Api>,
    who: SignedIn,
    PathParams(plugin): PathParams<String>,
) -> Result<Gone, ApiError> {
    Ok(Gone(installs::uninstall(&api.app, &who.context, &plugin.as_str().into()).await?.position))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn what_is_installed_is_taken_off() {
        let world = World::new();
        world.seller("acme").await.published("log-reader", "1.0.0").await;
        let ada = world.person("ada").await;
        let path = "/plugins/log-reader/install";
        assert_eq!(ada.delete(path).await.status, 404);
        ada.post(path, json!({})).await;
        let answer = ada.delete(path).await;
        assert_eq!(answer.status, 204);
        assert!(answer.position().is_some());
        assert_eq!(world.nobody().delete(path).await.status, 401);
        assert_eq!(ada.delete("/plugins/unknown/install").await.status, 404);
    }
}
