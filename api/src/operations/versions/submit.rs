//! `POST /plugins/{plugin}/versions`

use axum::extract::{
    FromRequest, Multipart, Request, State,
    multipart::{Field, MultipartError},
};
use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::Value;
use souk_app::plugins::{self, SubmitVersion};
use utoipa::ToSchema;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{PathParams, Privileged, read_json},
    operations::shared::written_version,
    wire::catalogue::Version,
};

/// Bytes of a signature in base64, with room for blanks around it.
const LONGEST_SIGNATURE: usize = 256;

/// A version to hand in.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the parts of a form")]
pub struct SubmitForm {
    /// JSON with at least `name`, `version` (semver), `kind`, `summary` and `license`.
    #[schema(value_type = Object)]
    manifest: String,
    /// The archive. Of a workflow, ids of its author's credentials and webhooks are taken out before it is kept; the digest of the
    /// version is that of what is kept.
    #[schema(value_type = String, format = Binary)]
    artifact: Vec<u8>,
    /// Base64 of the vendor's Ed25519 signature over the 32 bytes of the archive's SHA-256, by a live key of the vendor.
    /// A version without one is unsigned.
    signature: Option<String>,
}

/// Hands in a version: it is validated behind, and then approved, rejected or left to a moderator. For the plugin's vendor.
#[utoipa::path(post, path = "/plugins/{plugin}/versions", tag = "versions",
    request_body(content = SubmitForm, content_type = "multipart/form-data"),
    params(("plugin" = String, Path, description = "Id or name")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 202, description = "Handed in", body = Version)))]
pub async fn submit_version(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(plugin): PathParams<String>,
    request: Request,
) -> Result<Written<Version>, ApiError> {
    let input = form(&api, request).await?;
    let done = plugins::submit_version(&api.app, &context, &plugin.as_str().into(), input).await?;
    Ok(Written::accepted(done.position, written_version(&api, done).await))
}

async fn form(api: &Api, request: Request) -> Result<SubmitVersion, ApiError> {
    let mut form = Multipart::from_request(request, api).await.map_err(|_| {
        let message = "the body must be multipart/form-data with the parts `manifest` and `artifact`";
        ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
    })?;
    let (mut manifest, mut artifact, mut signature) = (None, None, None);
    while let Some(field) = form.next_field().await.map_err(|error| broken(&error))? {
        match field.name() {
            Some("manifest") => {
                let text = part(field, api.settings.json_body_bytes).await?;
                fill(&mut manifest, "manifest", read_json::<Value>("manifest", &text)?)?;
            }
            Some("artifact") => fill(&mut artifact, "artifact", part(field, api.settings.archive_bytes).await?)?,
            Some("signature") => {
                let text = part(field, LONGEST_SIGNATURE).await?;
                let text = String::from_utf8(text.into())
                    .map_err(|_| ApiError::invalid_field("signature", "must be base64"))?;
                fill(&mut signature, "signature", text)?;
            }
            _ => {}
        }
    }
    let missing = |part| ApiError::invalid_field(part, "is missing");
    let manifest = manifest.ok_or_else(|| missing("manifest"))?;
    let artifact = artifact.ok_or_else(|| missing("artifact"))?;
    Ok(SubmitVersion { manifest, artifact, signature })
}

fn fill<T>(slot: &mut Option<T>, part: &str, value: T) -> Result<(), ApiError> {
    if slot.replace(value).is_some() {
        return Err(ApiError::invalid_field(part, "must be there once"));
    }
    Ok(())
}

async fn part(field: Field<'_>, limit: usize) -> Result<Bytes, ApiError> {
    let bytes = field.bytes().await.map_err(|error| broken(&error))?;
    if bytes.len() > limit { Err(ApiError::too_large(limit)) } else { Ok(bytes) }
}

fn broken(error: &MultipartError) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "bad_request", format!("the form cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use souk_signing::SecretKey;

    use crate::testing::{World, manifest, multipart};

    #[tokio::test]
    async fn a_version_is_handed_in() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.plugin("log-reader").await;
        let answer = seller.submit("log-reader", "1.0.0").await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        assert_eq!((&answer.body["version"], &answer.body["status"]), (&json!("1.0.0"), &json!("submitted")));
        assert_eq!(answer.body["digest"].as_str().map(str::len), Some(64));
        assert_eq!(answer.body["confidence"], Value::Null);
        assert!(answer.position().is_some());
    }

    #[tokio::test]
    async fn only_the_vendor_hands_in() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.plugin("log-reader").await;
        let form = || {
            multipart(&[
                ("manifest", manifest("log-reader", "1.0.0").to_string().into_bytes()),
                ("artifact", b"zip".to_vec()),
            ])
        };
        let path = "/plugins/log-reader/versions";
        assert_eq!(world.nobody().send("POST", path, form()).await.status, 401);
        assert_eq!(world.person("ben").await.send("POST", path, form()).await.status, 403);
        assert_eq!(seller.person.send("POST", "/plugins/unknown/versions", form()).await.status, 404);
    }

    #[tokio::test]
    async fn a_form_has_each_part_once_and_a_manifest_that_is_json() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.plugin("log-reader").await;
        let good = || manifest("log-reader", "1.0.0").to_string().into_bytes();
        for (status, parts) in [
            (422, vec![("manifest", good())]),
            (422, vec![("artifact", b"zip".to_vec())]),
            (422, vec![("manifest", good()), ("manifest", good()), ("artifact", b"zip".to_vec())]),
            (400, vec![("manifest", b"{".to_vec()), ("artifact", b"zip".to_vec())]),
            (422, vec![("manifest", b"[]".to_vec()), ("artifact", b"zip".to_vec())]),
        ] {
            let answer = seller.person.send("POST", "/plugins/log-reader/versions", multipart(&parts)).await;
            assert_eq!(answer.status, status, "{}", answer.body);
        }
        let answer = seller.person.post("/plugins/log-reader/versions", json!({})).await;
        assert_eq!((answer.status, answer.code()), (415, "unsupported_media_type"));
    }

    #[tokio::test]
    async fn a_signature_is_one_over_the_archive_by_a_key_of_the_vendor() {
        let world = World::new();
        let (seller, other) = (world.seller("acme").await, world.seller("other").await);
        let (key, strangers) = (SecretKey::from_seed([5; 32]), SecretKey::from_seed([6; 32]));
        seller.plugin("log-reader").await;
        let unknown = seller.hand_in_signed(&key, "log-reader", "1.0.0").await;
        assert_eq!((unknown.status, unknown.code()), (422, "invalid_signature"), "no key is registered");
        seller.register_key(&key).await;
        other.register_key(&strangers).await;
        let refused = seller.hand_in_signed(&strangers, "log-reader", "1.0.0").await;
        assert_eq!((refused.status, refused.code()), (422, "invalid_signature"), "another vendor's key");
        for signature in ["", "AA==", "not base64", &key.sign(b"something else").to_string()] {
            let form = multipart(&[
                ("manifest", manifest("log-reader", "1.0.0").to_string().into_bytes()),
                ("artifact", b"zip".to_vec()),
                ("signature", signature.as_bytes().to_vec()),
            ]);
            let answer = seller.person.send("POST", "/plugins/log-reader/versions", form).await;
            assert_eq!((answer.status, answer.code()), (422, "invalid_signature"), "{signature}");
        }
        assert_eq!(seller.person.get("/plugins/log-reader/versions").await.body["items"], json!([]));
        let signed = seller.hand_in_signed(&key, "log-reader", "1.0.0").await;
        assert_eq!((signed.status, &signed.body["signed"]), (202, &json!(true)), "{}", signed.body);
        let unsigned = seller.submit("log-reader", "1.1.0").await;
        assert_eq!((unsigned.status, &unsigned.body["signed"]), (202, &json!(false)), "{}", unsigned.body);
    }

    #[tokio::test]
    async fn an_archive_of_some_megabytes_is_taken() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.plugin("log-reader").await;
        let form = multipart(&[
            ("manifest", manifest("log-reader", "1.0.0").to_string().into_bytes()),
            ("artifact", vec![0; 3 << 20]),
        ]);
        let answer = seller.person.send("POST", "/plugins/log-reader/versions", form).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
    }

    #[tokio::test]
    async fn an_archive_has_its_own_limit() {
        let world = World::with(|settings| {
            settings.json_body_bytes = 10_000;
            settings.archive_bytes = 20_000;
        });
        let seller = world.seller("acme").await;
        seller.plugin("log-reader").await;
        let form = |size| {
            multipart(&[
                ("manifest", manifest("log-reader", "1.0.0").to_string().into_bytes()),
                ("artifact", vec![0; size]),
            ])
        };
        let path = "/plugins/log-reader/versions";
        assert_eq!(seller.person.send("POST", path, form(15_000)).await.status, 202);
        for size in [20_001, 100_000] {
            let answer = seller.person.send("POST", path, form(size)).await;
            assert_eq!((answer.status, answer.code()), (413, "payload_too_large"), "{size}");
        }
    }
}
