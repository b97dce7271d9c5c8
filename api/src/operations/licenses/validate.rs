//! `POST /licenses/validate`

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use souk_app::{Secret, licenses};
use utoipa::ToSchema;

use crate::{
    Api,
    error::ApiError,
    extract::JsonBody,
    operations::shared::{license_key, plugin_ref},
    wire::library::License,
};

/// A license key.
#[derive(Deserialize, ToSchema)]
pub struct ValidateBody {
    /// As its holder has it.
    #[schema(value_type = String)]
    key: Secret,
    /// The machine; none is checked when absent.
    fingerprint: Option<String>,
}

/// The verdict on a license key.
#[derive(Serialize, ToSchema)]
#[schema(as = LicenseVerdict)]
pub struct Verdict {
    /// Whether it is good, here and now.
    valid: bool,
    /// `VALID`, `NOT_FOUND`, `SUSPENDED`, `EXPIRED`, `REVOKED`, `NO_MACHINE` or `FINGERPRINT_SCOPE_MISMATCH`.
    #[schema(example = "VALID")]
    code: &'static str,
    /// The license, when the key is genuine.
    #[serde(skip_serializing_if = "Option::is_none")]
    license: Option<License>,
}

/// Judges a license key. For everyone who has one; always 200.
#[utoipa::path(post, path = "/licenses/validate", tag = "licenses", request_body = ValidateBody,
    responses((status = 200, description = "The verdict", body = Verdict)))]
pub async fn validate_license(
    State(api): State<Api>,
    JsonBody(body): JsonBody<ValidateBody>,
) -> Result<Json<Verdict>, ApiError> {
    let validity = licenses::validate(&api.app, &body.key.0, body.fingerprint.as_deref()).await?;
    let license = match validity.license {
        Some(license) => {
            let plugin = plugin_ref(&api, license.plugin).await?;
            let key = license_key(&api, license.id, license.key_generation);
            Some(License::of_stream(license, plugin, Some(key), None))
        }
        None => None,
    };
    Ok(Json(Verdict { valid: validity.valid, code: validity.code, license }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn an_unknown_key_is_an_answer() {
        let answer = World::new().nobody().post("/licenses/validate", json!({"key": "nonsense"})).await;
        assert_eq!((answer.status, answer.body), (200, json!({"valid": false, "code": "NOT_FOUND"})));
    }

    #[tokio::test]
    async fn a_good_key_is_valid_on_its_machines() {
        let world = World::new();
        let licensed = world.licensed("log-reader").await;
        let validate = async |body| world.nobody().post("/licenses/validate", body).await;
        let valid = validate(json!({"key": licensed.key})).await;
        assert_eq!((&valid.body["valid"], &valid.body["code"]), (&json!(true), &json!("VALID")), "{}", valid.body);
        assert_eq!(valid.body["license"]["plugin"]["name"], "log-reader");
        let nowhere = validate(json!({"key": licensed.key, "fingerprint": "one"})).await;
        assert_eq!((&nowhere.body["valid"], &nowhere.body["code"]), (&json!(false), &json!("NO_MACHINE")));
        assert_eq!(validate(json!({"fingerprint": "one"})).await.status, 422);
    }
}
