//! `PATCH /admin/partners/{id}`

use axum::extract::State;
use serde::Deserialize;
use souk_app::partners::{self, Amend};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, Privileged},
    wire::partner::{Partner, Quotas, Scopes},
};

/// What is to change; what is absent stays.
#[derive(Deserialize, ToSchema)]
pub struct PartnerChange {
    /// What it may see.
    #[serde(default)]
    scopes: Option<Scopes>,
    /// How much of it.
    #[serde(default)]
    quotas: Option<Quotas>,
    /// Whether it sees nothing for now.
    #[serde(default)]
    suspended: Option<bool>,
    /// Why, where it is suspended: 1 to 1,000 characters, which the partner reads.
    #[serde(default)]
    reason: Option<String>,
}

/// Changes what a partner may see, and how much, or suspends it. Its streams end and are asked for again; its webhooks wait. For admins.
#[utoipa::path(patch, path = "/admin/partners/{id}", tag = "admin", request_body = PartnerChange,
    params(("id" = Uuid, Path, description = "Which partner")),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The partner", body = Partner)))]
pub async fn amend_partner(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(id): PathParams<Uuid>,
    JsonBody(body): JsonBody<PartnerChange>,
) -> Result<Written<Partner>, ApiError> {
    let reason = body.reason.unwrap_or_else(|| "no reason given".to_owned());
    let amend = Amend {
        scopes: body.scopes.map(Into::into),
        quotas: body.quotas.map(Into::into),
        suspended: body.suspended.map(|suspended| (suspended, reason)),
    };
    let done = partners::amend(&api.app, &context, id.into(), amend).await?;
    let overview = partners::overview(&api.app, done.value).await?;
    Ok(Written::ok(done.position, Partner::of(overview, api.streams.of(id.into()))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn a_suspended_partner_sees_only_itself_until_it_is_reinstated() {
        let world = World::new();
        let admin = world.admin().await;
        let partner = world.partner(json!({"types": ["plugin.*"]})).await;
        let path = format!("/admin/partners/{}", partner.id);
        let answer = admin.patch(&path, json!({"suspended": true, "reason": "not paid"})).await;
        assert_eq!((answer.status, &answer.body["suspendedBecause"]), (200, &json!("not paid")), "{}", answer.text);
        for path in ["/events", "/events/stream", "/partners/me/webhooks"] {
            let refused = partner.get(path).await;
            assert_eq!((refused.status, refused.code()), (403, "partner_suspended"), "{path}");
        }
        assert_eq!(partner.get("/partners/me").await.body["suspended"], true);
        let both = json!({"suspended": false, "scopes": {"types": ["vendor.*"]}});
        let answer = admin.patch(&path, both).await;
        assert_eq!((&answer.body["suspended"], &answer.body["scopes"]["types"]), (&json!(false), &json!(["vendor.*"])));
        assert_eq!(partner.get("/events").await.status, 200);
        assert_eq!(partner.get("/events?types=plugin.*").await.code(), "beyond_scope");
        let before = world.memory.events().len();
        assert_eq!(admin.patch(&path, json!({})).await.status, 200);
        assert_eq!(world.memory.events().len(), before, "nothing changed");
        let unknown = "/admin/partners/6a0f5c1e-7b1d-4c57-9a3e-50756b000001";
        assert_eq!(admin.patch(unknown, json!({})).await.status, 404);
    }
}
