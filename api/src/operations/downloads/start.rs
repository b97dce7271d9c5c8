//! `POST /plugins/{plugin}/versions/{version}/download`

use axum::{
    extract::State,
    http::{HeaderMap, header},
};
use chrono::{DateTime, Utc};
use semver::Version;
use serde::Serialize;
use souk_app::downloads;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{PathParams, Privileged},
    operations::shared::named,
};

/// A download that was begun.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Download {
    /// Which.
    id: Uuid,
    /// Where the archive is fetched, by whoever has this address.
    url: String,
    /// Until when.
    expires_at: DateTime<Utc>,
    /// SHA-256 of the archive, 64 hex digits.
    digest: String,
    /// Bytes of the archive.
    size: u64,
    /// A name for the file.
    #[schema(example = "log-reader-1.0.0.zip")]
    filename: String,
}

/// Begins a download. The answer holds an address that is good for a quarter of an hour, without signing in. Each counts where the
/// terms of the license limit downloads; with the same `Idempotency-Key` it counts once. For who has a license of a paid plugin, for
/// everyone who is signed in of a free one, and for its vendor and admins.
#[utoipa::path(post, path = "/plugins/{plugin}/versions/{version}/download", tag = "versions",
    params(("plugin" = String, Path, description = "Id or name"), ("version" = String, Path, description = "Which version")),
    security(("bearer" = []), ("apiKey" = [])), responses((status = 201, description = "Where to fetch it", body = Download)))]
pub async fn start_download(
    State(api): State<Api>,
    Privileged(context): Privileged,
    headers: HeaderMap,
    PathParams((plugin, version)): PathParams<(String, Version)>,
) -> Result<Written<Download>, ApiError> {
    let done = downloads::start(&api.app, &context, &named(&api, &plugin), &version).await?;
    let downloads::Started { download, plugin_name, signature } = done.value;
    let path =
        format!("/api/v1/downloads/{}?expires={}&signature={signature}", download.id, download.expires_at.timestamp());
    let answer = Download {
        id: download.id.uuid(),
        url: format!("{}{path}", origin(&api, &headers)),
        expires_at: download.expires_at,
        filename: super::fetch::filename(&plugin_name, &download.version),
        digest: download.digest,
        size: download.size,
    };
    Ok(Written::created(done.position, answer))
}

/// Where this Souk is, as it was told or as it was asked.
fn origin(api: &Api, headers: &HeaderMap) -> String {
    if let Some(url) = &api.settings.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    host.map_or_else(String::new, |host| format!("http://{host}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn who_may_have_an_archive_fetches_it_by_an_address() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.published("log-reader", "1.0.0").await;
        let ada = world.person("ada").await;
        let path = "/plugins/log-reader/versions/1.0.0/download";
        assert_eq!(world.nobody().post(path, json!({})).await.status, 401);
        assert_eq!(ada.post("/plugins/log-reader/versions/9.0.0/download", json!({})).await.status, 404);
        let answer = ada.post(path, json!({})).await;
        assert_eq!((answer.status, &answer.body["filename"]), (201, &json!("log-reader-1.0.0.zip")), "{}", answer.text);
        let url = answer.body["url"].as_str().unwrap();
        let fetched = world.nobody().get(&format!("!{}", &url[url.find("/api").unwrap()..])).await;
        assert_eq!(fetched.status, 200, "{}", fetched.text);
        assert_eq!(fetched.header("etag"), format!("\"{}\"", answer.body["digest"].as_str().unwrap()));
    }

    #[tokio::test]
    async fn a_paid_archive_takes_a_license() {
        let world = World::new();
        let licensed = world.licensed("log-reader").await;
        let path = "/plugins/log-reader/versions/1.0.0/download";
        let stranger = world.person("ben").await.post(path, json!({})).await;
        assert_eq!((stranger.status, stranger.code()), (403, "not_entitled"));
        assert_eq!(licensed.holder.post(path, json!({})).await.status, 201);
        assert_eq!(licensed.seller.person.post(path, json!({})).await.status, 201);
        licensed.seller.person.post(&format!("/licenses/{}/suspend", licensed.license), json!({})).await;
        assert_eq!(licensed.holder.post(path, json!({})).await.status, 403);
    }
}
