//! `POST /admin/partners`

use axum::extract::State;
use serde::Deserialize;
use souk_app::partners;
use utoipa::ToSchema;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, Privileged},
    wire::partner::{Partner, Quotas, Scopes},
};

/// A new partner.
#[derive(Deserialize, ToSchema)]
pub struct PartnerBody {
    /// What it is called, one line of 1 to 100 characters.
    #[schema(example = "Mirrors Ltd.")]
    name: String,
    /// What it may see.
    scopes: Scopes,
    /// How much of it.
    #[serde(default)]
    quotas: Quotas,
}

/// Opens a partner: a system of others that consumes public events. For admins.
#[utoipa::path(post, path = "/admin/partners", tag = "admin", request_body = PartnerBody,
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 201, description = "The partner", body = Partner)))]
pub async fn create_partner(
    State(api): State<Api>,
    Privileged(context): Privileged,
    JsonBody(body): JsonBody<PartnerBody>,
) -> Result<Written<Partner>, ApiError> {
    let done = partners::register(&api.app, &context, body.name, body.scopes.into(), body.quotas.into()).await?;
    let overview = partners::overview(&api.app, done.value).await?;
    Ok(Written::created(done.position, Partner::of(overview, 0)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn only_an_admin_opens_partners_and_only_of_types_that_there_are() {
        let world = World::new();
        let (admin, ada) = (world.admin().await, world.person("ada").await);
        let body = json!({"name": "Mirrors", "scopes": {"types": ["plugin.*", "souk.review.submitted.v1"]}});
        assert_eq!(ada.post("/admin/partners", body.clone()).await.status, 403);
        let made = admin.header("idempotency-key", "once").post("/admin/partners", body.clone()).await;
        assert_eq!((made.status, &made.body["scopes"]["types"]), (201, &json!(["plugin.*", "review.submitted"])));
        let again = admin.header("idempotency-key", "once").post("/admin/partners", body).await;
        assert_eq!(again.body["id"], made.body["id"]);
        assert_eq!(world.count("partner.registered"), 1);
        for scopes in [json!({"types": []}), json!({"types": ["plugin.exploded"]}), json!({"types": ["plug*"]})] {
            let refused = admin.post("/admin/partners", json!({"name": "M", "scopes": scopes})).await;
            assert_eq!(refused.status, 422, "{scopes}");
        }
        let greedy = json!({"name": "M", "scopes": {"types": ["*"]}, "quotas": {"streams": 1_000_000}});
        assert_eq!(admin.post("/admin/partners", greedy).await.status, 422);
    }
}
