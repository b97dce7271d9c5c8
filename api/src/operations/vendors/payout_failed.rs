//! `POST /vendors/{id}/payouts/{payout}/failed`

use axum::extract::State;
use souk_app::payouts;
use souk_domain::id::PayoutId;
use uuid::Uuid;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, Privileged},
    operations::shared::{vendor_id, written_payout},
    wire::{Reason, earnings::Payout},
};

/// Records that a payout did not reach its vendor; the money can be paid out again. For admins.
#[utoipa::path(post, path = "/vendors/{id}/payouts/{payout}/failed", tag = "vendors", request_body = Reason,
    params(("id" = String, Path, description = "Id or slug"), ("payout" = Uuid, Path, description = "Which payout")),
    security(("bearer" = []), ("apiKey" = [])), responses((status = 200, description = "The payout", body = Payout)))]
pub async fn payout_failed(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams((vendor, payout)): PathParams<(String, Uuid)>,
    JsonBody(body): JsonBody<Reason>,
) -> Result<Written<Payout>, ApiError> {
    let (vendor, payout) = (vendor_id(&api, &vendor).await?, PayoutId::from(payout));
    let done = payouts::failed(&api.app, &context, vendor, payout, &body.reason).await?;
    Ok(Written::ok(done.position, written_payout(&api, payout, done).await?))
}
