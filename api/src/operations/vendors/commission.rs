//! `PUT /vendors/{id}/commission`

use axum::extract::State;
use serde::Deserialize;
use souk_app::vendors;
use souk_domain::money::BasisPoints;
use utoipa::ToSchema;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, Privileged},
    operations::shared::{vendor_id, written_vendor},
    wire::catalogue::Vendor,
};

/// A share of each payment.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommissionBody {
    /// Hundredths of a percent, 0 to 10,000.
    #[schema(value_type = u16, maximum = 10000, example = 1500)]
    basis_points: BasisPoints,
}

/// Agrees another commission; orders that were placed before keep theirs. For admins.
#[utoipa::path(put, path = "/vendors/{id}/commission", tag = "vendors", request_body = CommissionBody,
    params(("id" = String, Path, description = "Id or slug")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "Agreed", body = Vendor)))]
pub async fn set_commission(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(vendor): PathParams<String>,
    JsonBody(body): JsonBody<CommissionBody>,
) -> Result<Written<Vendor>, ApiError> {
    let vendor = vendor_id(&api, &vendor).await?;
    let done = vendors::set_commission(&api.app, &context, vendor, body.basis_points).await?;
    Ok(Written::ok(done.position, written_vendor(&api, done).await))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn only_an_admin_agrees_a_commission() {
        let world = World::new();
        let seller = world.seller("acme").await;
        let body = json!({"basisPoints": 1000});
        assert_eq!(seller.person.put("/vendors/acme/commission", body.clone()).await.status, 403);
        let answer = world.admin().await.put("/vendors/acme/commission", body).await;
        assert_eq!((answer.status, &answer.body["commission"]), (200, &json!(1000)));
    }

    #[tokio::test]
    async fn a_commission_is_at_most_everything() {
        let world = World::new();
        world.seller("acme").await;
        for points in [json!(10_001), json!(-1), json!("15 %"), json!(1.5)] {
            let answer = world.admin().await.put("/vendors/acme/commission", json!({"basisPoints": points})).await;
            assert_eq!((answer.status, answer.code()), (422, "validation_failed"), "{points}");
        }
    }
}
