//! `POST /vendors/{id}/verify`

use axum::extract::State;
use souk_app::vendors;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{PathParams, Privileged},
    operations::shared::{vendor_id, written_vendor},
    wire::catalogue::Vendor,
};

/// Confirms that a vendor is who it says; this also ends a suspension. For admins.
#[utoipa::path(post, path = "/vendors/{id}/verify", tag = "vendors",
    params(("id" = String, Path, description = "Id or slug")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "Verified", body = Vendor)))]
pub async fn verify_vendor(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(vendor): PathParams<String>,
) -> Result<Written<Vendor>, ApiError> {
    let vendor = vendor_id(&api, &vendor).await?;
    let done = vendors::verify(&api.app, &context, vendor).await?;
    Ok(Written::ok(done.position, written_vendor(&api, done).await))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn only_an_admin_verifies() {
        let world = World::new();
        let ada = world.person("ada").await;
        ada.post("/vendors", json!({"name": "Acme", "slug": "acme"})).await;
        assert_eq!(world.nobody().post("/vendors/acme/verify", json!({})).await.status, 401);
        let refused = ada.post("/vendors/acme/verify", json!({})).await;
        assert_eq!((refused.status, refused.code()), (403, "forbidden"));
        let admin = world.admin().await;
        let answer = admin.post("/vendors/acme/verify", json!({})).await;
        assert_eq!((answer.status, &answer.body["verified"]), (200, &json!(true)));
        assert_eq!(admin.post("/vendors/nobody/verify", json!({})).await.status, 404);
    }
}
