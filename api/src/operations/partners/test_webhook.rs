//! `POST /partners/me/webhooks/{id}/test`

use axum::{Json, extract::State};
use souk_app::partners::hooks;
use uuid::Uuid;

use crate::{
    Api,
    error::ApiError,
    extract::{PartnerCaller, PathParams},
    wire::partner::WebhookDelivery,
};

/// Calls a webhook once with an event of the type `souk.webhook.test.v1`, and tells what it answered. Also one that is disabled.
#[utoipa::path(post, path = "/partners/me/webhooks/{id}/test", tag = "partners",
    params(("id" = Uuid, Path, description = "Which webhook")), security(("partnerKey" = [])),
    responses((status = 200, description = "What came of it", body = WebhookDelivery)))]
pub async fn test_partner_webhook(
    State(api): State<Api>,
    caller: PartnerCaller,
    PathParams(id): PathParams<Uuid>,
) -> Result<Json<WebhookDelivery>, ApiError> {
    Ok(Json(hooks::test(&api.app, caller.active()?, id, caller.command).await?.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use souk_ports::partner::{CallError, Reply};

    use crate::testing::World;

    #[tokio::test]
    async fn what_it_answered_is_told_and_kept() {
        let world = World::new();
        let partner = world.partner(json!({"types": ["*"]})).await;
        let path = format!("/partners/me/webhooks/{}", partner.webhook().await);
        for (answer, status, problem) in [
            (Ok(204), json!(204), None),
            (Ok(302), json!(302), Some("redirect: ")),
            (Ok(410), json!(410), Some("gone: ")),
            (Ok(500), json!(500), Some("refused: ")),
            (Err(CallError::Timeout(std::time::Duration::from_secs(15))), json!(null), Some("timeout: ")),
            (Err(CallError::Forbidden("it is private".to_owned())), json!(null), Some("forbidden_target: ")),
        ] {
            world.hooks.answer(move |_| answer.clone().map(|status| Reply { status, retry_after: None }));
            let told = partner.post(&format!("{path}/test"), json!({})).await;
            assert_eq!((told.status, &told.body["status"]), (200, &status), "{}", told.text);
            assert_eq!(told.body["delivered"], problem.is_none());
            assert!(told.body["problem"].as_str().unwrap_or_default().starts_with(problem.unwrap_or_default()));
        }
        let page = partner.get(&format!("{path}/deliveries?limit=4")).await.body;
        assert_eq!(page["items"][0]["problem"], "forbidden_target: it is private");
        let cursor = page["nextCursor"].as_str().unwrap();
        let rest = partner.get(&format!("{path}/deliveries?limit=4&cursor={cursor}")).await.body;
        assert_eq!((rest["items"].as_array().unwrap().len(), &rest["nextCursor"]), (2, &json!(null)));
        let sent: serde_json::Value = serde_json::from_slice(&world.hooks.calls()[0].body).unwrap();
        assert_eq!((&sent["type"], &sent["specversion"]), (&json!("souk.webhook.test.v1"), &json!("1.0")));
    }
}
