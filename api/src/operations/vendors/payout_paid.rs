//! `POST /vendors/{id}/payouts/{payout}/paid`

use axum::extract::State;
use serde::Deserialize;
use souk_app::payouts;
use souk_domain::id::PayoutId;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, Privileged},
    operations::shared::{vendor_id, written_payout},
    wire::earnings::Payout,
};

/// A transfer.
#[derive(Deserialize, ToSchema)]
pub struct TransferBody {
    /// The bank's name of it, 1 to 200 characters.
    reference: String,
}

/// Records that a payout was transferred. For admins.
#[utoipa::path(post, path = "/vendors/{id}/payouts/{payout}/paid", tag = "vendors", request_body = TransferBody,
    params(("id" = String, Path, description = "Id or slug"), ("payout" = Uuid, Path, description = "Which payout")),
    security(("bearer" = []), ("apiKey" = [])), responses((status = 200, description = "The payout", body = Payout)))]
pub async fn payout_paid(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams((vendor, payout)): PathParams<(String, Uuid)>,
    JsonBody(body): JsonBody<TransferBody>,
) -> Result<Written<Payout>, ApiError> {
    let (vendor, payout) = (vendor_id(&api, &vendor).await?, PayoutId::from(payout));
    let done = payouts::paid(&api.app, &context, vendor, payout, &body.reference).await?;
    Ok(Written::ok(done.position, written_payout(&api, payout, done).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn only_admins_say_what_became_of_a_payout() {
        let world = World::new();
        let sold = world.sold("log-reader", 2).await;
        let payout = sold.payout().await;
        let path = |what: &str| format!("/vendors/acme/payouts/{payout}/{what}");
        let (reference, reason) = (json!({"reference": "bank-9"}), json!({"reason": "no such account"}));
        for (what, body) in [("paid", &reference), ("failed", &reason)] {
            assert_eq!(sold.owner().await.post(&path(what), body.clone()).await.status, 403, "{what}");
            assert_eq!(world.nobody().post(&path(what), body.clone()).await.status, 401, "{what}");
        }
        let admin = world.admin().await;
        let paid = admin.post(&path("paid"), reference.clone()).await;
        assert_eq!((paid.status, &paid.body["status"]), (200, &json!("paid")), "{}", paid.text);
        let failed = admin.post(&path("failed"), reason).await;
        assert_eq!((failed.status, &failed.body["status"]), (200, &json!("failed")), "a transfer may come back");
        let again = admin.post(&path("paid"), reference.clone()).await;
        assert_eq!((again.status, again.reason()), (409, "payout_settled"));
        // What did not arrive can be paid out again.
        assert_ne!(sold.payout().await, payout);
        let admin = world.admin().await;
        let unknown = format!("/vendors/acme/payouts/{}/paid", uuid::Uuid::from_u128(9));
        assert_eq!(admin.post(&unknown, reference).await.status, 404);
        assert_eq!(admin.post(&path("paid"), json!({"reference": ""})).await.status, 422);
        assert_eq!(admin.post(&path("failed"), json!({})).await.status, 422);
    }
}
