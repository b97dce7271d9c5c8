//! `GET /vendors/{id}/earnings`

use axum::{Json, extract::State};
use souk_app::{payouts, vendors};

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, PathParams, Privileged},
    operations::shared::{at, vendor_id},
    wire::earnings::Earnings,
};

/// What a vendor has, is about to get and was paid, by currency. For its owner and admins.
#[utoipa::path(get, path = "/vendors/{id}/earnings", tag = "vendors",
    params(("id" = String, Path, description = "Id or slug")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The balances", body = Earnings)))]
pub async fn vendor_earnings(
    State(api): State<Api>,
    Privileged(context): Privileged,
    min: MinPosition,
    PathParams(vendor): PathParams<String>,
) -> Result<Json<Earnings>, ApiError> {
    let vendor = vendor_id(&api, &vendor).await?;
    vendors::require_owner(&api.app, &context, vendor).await?;
    let held_after = payouts::held_after(&api.app, api.app.ports().clock.now());
    let balances = api.reads.balances(at(&api, min), vendor.uuid(), held_after).await?;
    Ok(Json(Earnings { balances }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn a_vendor_and_admins_see_what_it_has() {
        let world = World::new();
        let seller = world.seller("acme").await;
        let (admin, stranger) = (world.admin().await, world.person("stranger").await);
        for path in [
            "/vendors/acme/earnings",
            "/vendors/acme/earnings/entries",
            "/vendors/acme/payouts",
            "/vendors/acme/invoices",
        ] {
            assert_eq!(seller.person.get(path).await.status, 200, "{path}");
            assert_eq!(admin.get(path).await.status, 200, "{path}");
            assert_eq!(stranger.get(path).await.status, 403, "{path}");
            assert_eq!(world.nobody().get(path).await.status, 401, "{path}");
        }
        assert_eq!(seller.person.get("/vendors/acme/earnings").await.body, json!({"balances": []}));
        assert_eq!(seller.person.get("/vendors/nobody/earnings").await.status, 404);
    }
}
