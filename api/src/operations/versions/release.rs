//! `GET /plugins/{plugin}/versions/{version}/release`

use axum::{Json, extract::State};
use souk_app::releases;

use super::version;
use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, PathParams},
    wire::keys::Release,
};

/// The release record of an approved version, signed by Souk: `souk verify --release` checks an archive against it.
///
/// It stays what it is when the version is yanked later.
#[utoipa::path(get, path = "/plugins/{plugin}/versions/{version}/release", tag = "versions",
    params(("plugin" = String, Path, description = "Id or name"), ("version" = String, Path, description = "Semver")),
    responses((status = 200, description = "The record and the signature", body = Release)))]
pub async fn version_release(
    State(api): State<Api>,
    _: MinPosition,
    PathParams((plugin, number)): PathParams<(String, String)>,
) -> Result<Json<Release>, ApiError> {
    let number = version(&number)?;
    Ok(Json(releases::get(&api.app, &plugin.as_str().into(), &number).await?.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use souk_signing::{Outcome, SecretKey, check};

    use crate::testing::{World, archive};

    fn outcomes(digest: &str, release: &serde_json::Value, keys: &serde_json::Value) -> Vec<Outcome> {
        check(digest, release, keys).unwrap().into_iter().map(|check| check.outcome).collect()
    }

    #[tokio::test]
    async fn a_release_is_verified_with_nothing_but_the_keys() {
        let world = World::new();
        let seller = world.seller("acme").await;
        let key = SecretKey::from_seed([5; 32]);
        seller.register_key(&key).await;
        seller.plugin("log-reader").await;
        seller.signs_with(&key, "log-reader", "1.0.0").await;
        let path = "/plugins/log-reader/versions/1.0.0/release";
        assert_eq!(world.nobody().get(path).await.status, 404, "it is not approved yet");
        seller.approved().await;
        let answer = world.nobody().get(path).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let keys = world.nobody().get("/keys").await.body;
        let digest = souk_signing::sha256(&archive("1.0.0"));
        assert_eq!(outcomes(&digest, &answer.body, &keys), [Outcome::Right; 3], "{}", answer.body);
        let record = &answer.body["record"];
        assert_eq!(record["reportHash"].as_str().map(str::len), Some(64));
        assert_eq!(record["vendorKey"], json!(key.public().to_string()));
        assert!(record["position"].as_u64() > Some(0));
        assert_eq!(outcomes(&"0".repeat(64), &answer.body, &keys)[0], Outcome::Wrong);
        assert_eq!(world.nobody().get(path).await.body, answer.body, "the same whenever somebody asks");
    }

    #[tokio::test]
    async fn an_unsigned_version_has_a_record_without_a_vendor() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.published("log-reader", "1.0.0").await;
        let path = "/plugins/log-reader/versions/1.0.0/release";
        let answer = world.nobody().get(path).await;
        let keys = world.nobody().get("/keys").await.body;
        let digest = souk_signing::sha256(&archive("1.0.0"));
        let wanted = [Outcome::Right, Outcome::Absent, Outcome::Right];
        assert_eq!(outcomes(&digest, &answer.body, &keys), wanted, "{}", answer.body);
        assert!(answer.body["record"].get("vendorKey").is_none());
        seller.person.post("/plugins/log-reader/versions/1.0.0/yank", json!({"reason": "r"})).await;
        assert_eq!(world.nobody().get(path).await.body, answer.body, "it was approved, whatever became of it");
        assert_eq!(world.nobody().get("/plugins/log-reader/versions/2.0.0/release").await.status, 404);
        assert_eq!(world.nobody().get("/plugins/unknown/versions/1.0.0/release").await.status, 404);
    }
}
