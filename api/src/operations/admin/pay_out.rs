//! `POST /admin/payouts`

use axum::extract::State;
use serde::Deserialize;
use souk_app::{AppError, payouts};
use souk_domain::{id::VendorId, money::Currency};
use utoipa::ToSchema;

use super::require_admin;
use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, Privileged},
    reads::At,
    wire::earnings::PayoutBatch,
};

/// In which currency.
#[derive(Deserialize, ToSchema)]
pub struct BatchBody {
    /// ISO 4217 code.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
}

/// Asks for payouts of all that there is to every vendor that has enough.
///
/// Who has something and gets nothing is told with the reason. The same request with the same key goes on where it was interrupted.
#[utoipa::path(post, path = "/admin/payouts", tag = "admin", request_body = BatchBody,
    security(("bearer" = []), ("apiKey" = [])), responses((status = 201, description = "The batch", body = PayoutBatch)))]
pub async fn pay_out(
    State(api): State<Api>,
    Privileged(context): Privileged,
    JsonBody(body): JsonBody<BatchBody>,
) -> Result<Written<PayoutBatch>, ApiError> {
    require_admin(&context)?;
    let position = api.app.ports().log.head().await.map_err(AppError::from)?;
    let at = At { position, patience: api.settings.position_wait };
    let batch = payouts::batch_id(&context, body.currency);
    // Those who were asked for before an interruption are owed nothing any more.
    let mut vendors = api.reads.owed(at, body.currency).await?;
    vendors.extend(api.reads.batch_vendors(at, batch).await?);
    vendors.sort_unstable();
    vendors.dedup();
    let vendors: Vec<VendorId> = vendors.into_iter().map(VendorId::from).collect();
    let done = payouts::batch(&api.app, &context, body.currency, &vendors).await?;
    Ok(Written::created(done.position, PayoutBatch::of_streams(batch, done.value)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn a_batch_pays_whoever_has_enough_once() {
        let world = World::new();
        let sold = world.sold("log-reader", 2).await;
        let other = world.seller("other").await;
        world.clock.advance(std::time::Duration::from_secs(8 * 24 * 60 * 60));
        let admin = world.admin().await;
        let keyed = admin.header("idempotency-key", "july");
        let first = keyed.post("/admin/payouts", json!({"currency": "USD"})).await;
        assert_eq!(first.status, 201, "{}", first.text);
        let payout = &first.body["payouts"][0];
        assert_eq!((&payout["vendorId"], &payout["amount"]), (&json!(sold.seller.vendor), &json!(8_330)));
        assert_eq!(payout["batchId"], first.body["batchId"]);
        assert_eq!(first.body["skipped"], json!([{"vendor": other.vendor, "reason": "payout_too_small"}]));
        let same = keyed.post("/admin/payouts", json!({"currency": "USD"})).await;
        assert_eq!(same.body, first.body);
        let next = admin.post("/admin/payouts", json!({"currency": "USD"})).await;
        assert_eq!((next.status, &next.body["payouts"]), (201, &json!([])));
        assert_ne!(next.body["batchId"], first.body["batchId"]);
        assert_eq!(world.count("vendor.payout_requested"), 1);
    }

    #[tokio::test]
    async fn only_admins_pay_out() {
        let world = World::new();
        let seller = world.seller("acme").await;
        let body = json!({"currency": "USD"});
        assert_eq!(seller.person.post("/admin/payouts", body.clone()).await.status, 403);
        assert_eq!(world.moderator().await.post("/admin/payouts", body.clone()).await.status, 403);
        assert_eq!(world.nobody().post("/admin/payouts", body).await.status, 401);
        assert_eq!(world.admin().await.post("/admin/payouts", json!({"currency": "gold"})).await.status, 422);
    }
}
