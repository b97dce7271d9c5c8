//! `DELETE /partners/me/webhooks/{id}`

use axum::{extract::State, http::StatusCode};
use souk_app::partners::hooks;
use uuid::Uuid;

use crate::{
    Api,
    error::ApiError,
    extract::{PartnerCaller, PathParams},
};

/// Forgets a webhook and what was delivered to it.
#[utoipa::path(delete, path = "/partners/me/webhooks/{id}", tag = "partners",
    params(("id" = Uuid, Path, description = "Which webhook")), security(("partnerKey" = [])),
    responses((status = 204, description = "It is gone")))]
pub async fn delete_partner_webhook(
    State(api): State<Api>,
    caller: PartnerCaller,
    PathParams(id): PathParams<Uuid>,
) -> Result<StatusCode, ApiError> {
    hooks::remove(&api.app, caller.active()?, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn nobody_touches_a_webhook_of_another_partner() {
        let world = World::new();
        let (one, other) = (world.partner(json!({"types": ["*"]})).await, world.partner(json!({"types": ["*"]})).await);
        let id = one.webhook().await;
        let path = format!("/partners/me/webhooks/{id}");
        assert_eq!(other.get(&path).await.status, 404);
        assert_eq!(other.delete(&path).await.status, 404);
        for what in ["rotate", "enable", "disable", "test"] {
            assert_eq!(other.post(&format!("{path}/{what}"), json!({})).await.status, 404, "{what}");
        }
        assert_eq!(other.post(&format!("{path}/replay"), json!({"after": 0})).await.status, 404);
        assert_eq!(other.get(&format!("{path}/deliveries")).await.status, 404);
        assert_eq!(one.get(&path).await.body["enabled"], true);
        assert_eq!(one.delete(&path).await.status, 204);
        assert_eq!(one.get(&path).await.status, 404);
    }
}
