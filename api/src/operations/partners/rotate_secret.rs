//! `POST /partners/me/webhooks/{id}/rotate`

use axum::{Json, extract::State};
use chrono::Duration;
use serde::Deserialize;
use souk_app::partners::hooks;
use utoipa::ToSchema;
use uuid::Uuid;

use super::shown;
use crate::{
    Api,
    error::ApiError,
    extract::{OptionalJson, PartnerCaller, PathParams},
    wire::partner::RevealedWebhook,
};

/// A day.
const OVERLAP: i64 = 24 * 3600;

/// How long both secrets sign.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RotateBody {
    /// How long the secret before signs as well, 0 to 604,800; a day when absent.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 604_800)]
    overlap_seconds: Option<i64>,
}

/// Gives a webhook another secret, which is shown this once. For a while what it is sent has two signatures.
#[utoipa::path(post, path = "/partners/me/webhooks/{id}/rotate", tag = "partners", request_body = Option<RotateBody>,
    params(("id" = Uuid, Path, description = "Which webhook")), security(("partnerKey" = [])),
    responses((status = 200, description = "The webhook and its new secret", body = RevealedWebhook)))]
pub async fn rotate_partner_webhook(
    State(api): State<Api>,
    caller: PartnerCaller,
    PathParams(id): PathParams<Uuid>,
    OptionalJson(body): OptionalJson<RotateBody>,
) -> Result<Json<RevealedWebhook>, ApiError> {
    let overlap = body.overlap_seconds.unwrap_or(OVERLAP);
    let overlap = Duration::try_seconds(overlap)
        .ok_or_else(|| ApiError::invalid_field("overlapSeconds", "must be 0 to 604800"))?;
    let made = hooks::rotate(&api.app, caller.active()?, id, overlap).await?;
    let webhook = shown(&api, made.hook).await?;
    Ok(Json(RevealedWebhook { webhook, secret: made.secret }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn for_a_while_both_secrets_sign() {
        let world = World::new();
        let partner = world.partner(json!({"types": ["*"]})).await;
        let path = format!("/partners/me/webhooks/{}", partner.webhook().await);
        let signatures = async || {
            assert_eq!(partner.post(&format!("{path}/test"), json!({})).await.status, 200);
            let calls = world.hooks.calls();
            let (_, signature) = calls.last().unwrap().headers.iter().find(|(n, _)| *n == "webhook-signature").unwrap();
            signature.split(' ').count()
        };
        assert_eq!(signatures().await, 1);
        let rotated = partner.post(&format!("{path}/rotate"), json!({"overlapSeconds": 60})).await;
        assert_eq!(rotated.status, 200, "{}", rotated.text);
        assert_eq!(signatures().await, 2);
        world.clock.advance(std::time::Duration::from_secs(61));
        assert_eq!(signatures().await, 1);
        for odd in [-1, 604_801] {
            let refused = partner.post(&format!("{path}/rotate"), json!({"overlapSeconds": odd})).await;
            assert_eq!(refused.status, 422);
        }
    }
}
