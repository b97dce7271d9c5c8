//! `POST /vendors/{id}/keys`

use axum::extract::State;
use serde::Deserialize;
use souk_app::vendor_keys;
use utoipa::ToSchema;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, Privileged},
    operations::shared::vendor_id,
    wire::keys::VendorKey,
};

/// A key to sign with.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VendorKeyBody {
    /// Ed25519, base64 of 32 bytes; `souk keygen` prints it.
    #[schema(example = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")]
    public_key: String,
    /// What the vendor calls it, one line of 1 to 100 characters. Everyone sees it.
    #[schema(example = "build server")]
    label: String,
}

/// Lets a key sign the vendor's versions. For the vendor's owner only.
///
/// Souk never sees the secret half. A key that was revoked never comes back.
#[utoipa::path(post, path = "/vendors/{id}/keys", tag = "vendors", request_body = VendorKeyBody,
    params(("id" = String, Path, description = "Id or slug")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 201, description = "Registered", body = VendorKey),
        (status = 200, description = "It was registered already", body = VendorKey)))]
pub async fn register_vendor_key(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(vendor): PathParams<String>,
    JsonBody(body): JsonBody<VendorKeyBody>,
) -> Result<Written<VendorKey>, ApiError> {
    let vendor = vendor_id(&api, &vendor).await?;
    let done = vendor_keys::register(&api.app, &context, vendor, &body.public_key, &body.label).await?;
    Ok(Written::created_if(&done, "vendor.key_registered", done.value.clone().into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use souk_signing::SecretKey;

    use crate::testing::World;

    #[tokio::test]
    async fn only_the_owner_registers_a_key_and_once() {
        let world = World::new();
        let seller = world.seller("acme").await;
        let key = SecretKey::from_seed([5; 32]).public().to_string();
        let body = || json!({"publicKey": key, "label": "build server"});
        assert_eq!(world.nobody().post("/vendors/acme/keys", body()).await.status, 401);
        assert_eq!(world.person("ben").await.post("/vendors/acme/keys", body()).await.status, 403);
        assert_eq!(world.admin().await.post("/vendors/acme/keys", body()).await.status, 403);
        let made = seller.person.post("/vendors/acme/keys", body()).await;
        assert_eq!((made.status, &made.body["revoked"]), (201, &json!(false)), "{}", made.body);
        let again = seller.person.post("/vendors/acme/keys", body()).await;
        assert_eq!((again.status, again.body), (200, made.body));
    }

    #[tokio::test]
    async fn what_is_no_key_is_refused() {
        let world = World::new();
        let seller = world.seller("acme").await;
        let weak = format!("AQ{}=", "A".repeat(41));
        for key in ["", "AA==", "nonsense", weak.as_str()] {
            let answer = seller.person.post("/vendors/acme/keys", json!({"publicKey": key, "label": "x"})).await;
            assert_eq!((answer.status, answer.code()), (422, "validation_failed"), "{key}");
            assert_eq!(answer.body["error"]["details"]["fields"][0]["field"], "publicKey");
        }
        let key = SecretKey::from_seed([5; 32]).public().to_string();
        let blank = seller.person.post("/vendors/acme/keys", json!({"publicKey": key, "label": " "})).await;
        assert_eq!(blank.status, 422);
    }
}
