//! `POST /vendors/{id}/suspend`

use axum::extract::State;
use souk_app::vendors;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, Privileged},
    operations::shared::{vendor_id, written_vendor},
    wire::{Reason, catalogue::Vendor},
};

/// Stops a vendor from publishing, until it is verified anew. For admins.
#[utoipa::path(post, path = "/vendors/{id}/suspend", tag = "vendors", request_body = Reason,
    params(("id" = String, Path, description = "Id or slug")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "Suspended", body = Vendor)))]
pub async fn suspend_vendor(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(vendor): PathParams<String>,
    JsonBody(body): JsonBody<Reason>,
) -> Result<Written<Vendor>, ApiError> {
    let vendor = vendor_id(&api, &vendor).await?;
    let done = vendors::suspend(&api.app, &context, vendor, &body.reason).await?;
    Ok(Written::ok(done.position, written_vendor(&api, done).await))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn only_an_admin_suspends() {
        let world = World::new();
        let seller = world.seller("acme").await;
        let body = json!({"reason": "sold what was not theirs"});
        assert_eq!(seller.person.post("/vendors/acme/suspend", body.clone()).await.status, 403);
        let answer = world.admin().await.post("/vendors/acme/suspend", body).await;
        assert_eq!((answer.status, &answer.body["suspended"]), (200, &json!(true)));
    }

    #[tokio::test]
    async fn a_reason_is_needed() {
        let world = World::new();
        world.seller("acme").await;
        let answer = world.admin().await.post("/vendors/acme/suspend", json!({"reason": ""})).await;
        assert_eq!((answer.status, answer.code()), (422, "validation_failed"));
    }
}
