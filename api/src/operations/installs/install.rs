//! `POST /plugins/{plugin}/install`

use axum::extract::State;
use semver::Version;
use serde::Deserialize;
use souk_app::installs;
use utoipa::ToSchema;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{OptionalJson, PathParams, SignedIn},
    operations::shared::named,
    wire::library::{Installation, PluginRef},
};

/// What to install.
#[derive(Default, Deserialize, ToSchema)]
pub struct InstallBody {
    /// Which version; the highest approved one when absent, a release before a pre-release.
    #[schema(value_type = Option<String>, example = "1.0.0")]
    version: Option<Version>,
}

/// Installs a plugin for the caller, or moves to another version.
///
/// A paid plugin needs an active license: 403 `not_entitled`. A version that is not approved is refused with 409.
#[utoipa::path(post, path = "/plugins/{plugin}/install", tag = "installs", request_body = Option<InstallBody>,
    params(("plugin" = String, Path, description = "Id or name")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 201, description = "Installed", body = Installation),
        (status = 200, description = "It was installed already, or is now at this version", body = Installation)))]
pub async fn install_plugin(
    State(api): State<Api>,
    who: SignedIn,
    PathParams(plugin): PathParams<String>,
    OptionalJson(body): OptionalJson<InstallBody>,
) -> Result<Written<Installation>, ApiError> {
    let done = installs::install(&api.app, &who.context, &named(&api, &plugin), body.version).await?;
    let plugin = done.value.tell(PluginRef::of_stream)?;
    let since = done.changed.then(|| api.app.ports().clock.now());
    let body = Installation::installed(done.value.clone(), plugin, since);
    Ok(Written::created_if(&done, "installation.installed", body))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn a_free_plugin_installs_once() {
        let world = World::new();
        world.seller("acme").await.published("log-reader", "1.0.0").await;
        let ada = world.person("ada").await;
        let first = ada.post("/plugins/log-reader/install", json!({})).await;
        assert_eq!(first.status, 201, "{}", first.body);
        assert_eq!((&first.body["version"], &first.body["status"]), (&json!("1.0.0"), &json!("installed")));
        assert_eq!(first.body["plugin"]["name"], "log-reader");
        let again = ada.post("/plugins/log-reader/install", json!({})).await;
        assert_eq!((again.status, &again.body["id"]), (200, &first.body["id"]));
        assert_eq!(again.position(), first.position());
    }

    #[tokio::test]
    async fn no_body_is_needed() {
        let world = World::new();
        world.seller("acme").await.published("log-reader", "1.0.0").await;
        let ada = world.person("ada").await;
        let none = |request: axum::http::request::Builder| request.body(axum::body::Body::empty()).unwrap();
        assert_eq!(ada.send("POST", "/plugins/log-reader/install", none).await.status, 201);
    }

    #[tokio::test]
    async fn what_cannot_be_installed_is_refused() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.plugin("draft").await;
        seller.submit("draft", "1.0.0").await;
        seller.paid("paid", "1.0.0").await;
        let ada = world.person("ada").await;
        for (plugin, body, status, code) in [
            ("unknown", json!({}), 404, "not_found"),
            ("draft", json!({}), 409, "conflict"),
            ("draft", json!({"version": "1.0.0"}), 409, "conflict"),
            ("draft", json!({"version": "9.0.0"}), 404, "not_found"),
            ("draft", json!({"version": "one"}), 422, "validation_failed"),
            ("draft", json!({"version": 1}), 422, "validation_failed"),
            ("paid", json!({}), 403, "not_entitled"),
        ] {
            let answer = ada.post(&format!("/plugins/{plugin}/install"), body).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{plugin}: {}", answer.body);
        }
        assert_eq!(world.nobody().post("/plugins/draft/install", json!({})).await.status, 401);
    }
}
