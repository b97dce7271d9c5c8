//! `POST /partners/me/webhooks`

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use souk_app::partners::hooks;
use souk_ports::Position;
use utoipa::ToSchema;

use super::shown;
use crate::{
    Api,
    error::ApiError,
    extract::{JsonBody, PartnerCaller},
    operations::events::check_start,
    wire::partner::RevealedWebhook,
};

/// A new webhook.
#[derive(Deserialize, ToSchema)]
pub struct WebhookBody {
    /// Where it is called: an address of the public internet that begins with `https://`.
    #[schema(example = "https://partner.example/souk")]
    url: String,
    /// Types and patterns of types; all of the scope when absent.
    #[serde(default)]
    types: Vec<String>,
    /// It is told what came behind this position; from now on when absent.
    #[serde(default)]
    after: Option<Position>,
}

/// Makes a webhook.
///
/// Its secret signs what it is sent, as Standard Webhooks 1.0 have it, and is shown this once.
#[utoipa::path(post, path = "/partners/me/webhooks", tag = "partners", request_body = WebhookBody, security(("partnerKey" = [])),
    responses((status = 201, description = "The webhook and its secret", body = RevealedWebhook)))]
pub async fn create_partner_webhook(
    State(api): State<Api>,
    caller: PartnerCaller,
    JsonBody(body): JsonBody<WebhookBody>,
) -> Result<(StatusCode, Json<RevealedWebhook>), ApiError> {
    let partner = caller.active()?;
    check_start(&api, body.after.unwrap_or_default()).await?;
    let made = hooks::create(&api.app, partner, caller.command, &body.url, &body.types, body.after).await?;
    let webhook = shown(&api, made.hook).await?;
    Ok((StatusCode::CREATED, Json(RevealedWebhook { webhook, secret: made.secret })))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn a_webhook_is_made_once_and_its_secret_shown() {
        let world = World::new();
        let partner = world.partner(json!({"types": ["plugin.*"]})).await;
        let keyed = partner.header("idempotency-key", "one");
        let body = json!({"url": "https://partner.example/souk", "types": ["plugin.created"]});
        let made = keyed.post("/partners/me/webhooks", body.clone()).await;
        assert_eq!(made.status, 201, "{}", made.text);
        assert!(made.body["secret"].as_str().unwrap().starts_with("whsec_"));
        let again = keyed.post("/partners/me/webhooks", body).await;
        assert_eq!(again.body["secret"], made.body["secret"]);
        let listed = partner.get("/partners/me/webhooks").await;
        assert_eq!(listed.body["items"].as_array().unwrap().len(), 1);
        assert!(!listed.text.contains("whsec_"));
    }

    #[tokio::test]
    async fn what_must_not_be_is_refused() {
        let world = World::new();
        let partner = world.partner(json!({"types": ["plugin.*"]})).await;
        let url = "https://partner.example/souk";
        for (body, status, code) in [
            (json!({"url": "https://private.example"}), 422, "validation_failed"),
            (json!({"url": url, "types": ["vendor.verified"]}), 403, "beyond_scope"),
            (json!({"url": url, "types": ["vendor.exploded"]}), 422, "validation_failed"),
            (json!({"url": url, "after": 999_999}), 400, "cursor_ahead"),
            (json!({}), 422, "validation_failed"),
        ] {
            let answer = partner.post("/partners/me/webhooks", body.clone()).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{body}: {}", answer.text);
        }
        for status in [201, 201, 409] {
            assert_eq!(partner.post("/partners/me/webhooks", json!({"url": url})).await.status, status);
        }
    }
}
