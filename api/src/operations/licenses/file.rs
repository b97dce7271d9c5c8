//! `POST /licenses/{id}/file`

use axum::{
    extract::State,
    http::{HeaderName, header},
};
use serde::Deserialize;
use souk_app::licenses;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Api,
    error::ApiError,
    extract::{OptionalJson, PathParams, Privileged},
};

/// What the file is for.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FileBody {
    /// The one machine that it is good on, which is bound to the license; any of them when absent.
    fingerprint: Option<String>,
    /// How long it is good, seconds: 3,600 to 31,622,400; 30 days when absent.
    ttl_seconds: Option<i64>,
}

/// A signed file that says what a license allows: `souk license verify` and others check it without asking anybody. For its holder
/// and admins.
#[utoipa::path(post, path = "/licenses/{id}/file", tag = "licenses", request_body = Option<FileBody>,
    params(("id" = Uuid, Path, description = "Which license")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The file", body = String, content_type = "text/plain")))]
pub async fn license_file(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(license): PathParams<Uuid>,
    OptionalJson(body): OptionalJson<FileBody>,
) -> Result<([(HeaderName, &'static str); 2], String), ApiError> {
    let FileBody { fingerprint, ttl_seconds } = body;
    let file = licenses::file(&api.app, &context, license.into(), fingerprint.as_deref(), ttl_seconds).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"license.lic\""),
    ];
    Ok((headers, file))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use souk_signing::{
        PublicKey,
        license_file::{FileKind, read},
    };

    use crate::testing::World;

    #[tokio::test]
    async fn its_holder_gets_a_file_that_the_key_of_souk_checks() {
        let world = World::new();
        let licensed = world.licensed("log-reader").await;
        let path = format!("/licenses/{}/file", licensed.license);
        assert_eq!(world.nobody().post(&path, json!({})).await.status, 401);
        assert_eq!(licensed.seller.person.post(&path, json!({})).await.status, 403);
        let keys = world.nobody().get("/keys").await;
        let key = PublicKey::parse(keys.body["items"][0]["publicKey"].as_str().unwrap()).unwrap();
        let answer = licensed.holder.post(&path, json!({})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let (kind, document) = read(&answer.text, std::slice::from_ref(&key)).unwrap();
        assert_eq!((kind, document.data.attributes.plugin_name.as_str()), (FileKind::License, "log-reader"));

        for (body, status) in [
            (json!({"ttlSeconds": 3599}), 422),
            (json!({"ttlSeconds": 31_622_401}), 422),
            (json!({"fingerprint": "unknown"}), 404),
        ] {
            assert_eq!(licensed.holder.post(&path, body.clone()).await.status, status, "{body}");
        }
        let activation = json!({"fingerprint": "machine-1", "label": "Desk"});
        licensed.holder.post(&format!("/licenses/{}/activations", licensed.license), activation).await;
        let answer = licensed.holder.post(&path, json!({"fingerprint": "machine-1", "ttlSeconds": 7200})).await;
        let (kind, document) = read(&answer.text, &[key]).unwrap();
        assert_eq!((kind, document.meta.ttl, document.included.len()), (FileKind::Machine, 7200, 1));
        licensed.seller.person.post(&format!("/licenses/{}/suspend", licensed.license), json!({})).await;
        assert_eq!(licensed.holder.post(&path, json!({})).await.status, 409);
    }
}
