//! `POST /vendors/{id}/payouts`

use axum::extract::State;
use serde::Deserialize;
use souk_app::payouts;
use souk_domain::money::Currency;
use utoipa::ToSchema;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, Privileged},
    operations::shared::{vendor_id, written_payout},
    wire::earnings::Payout,
};

/// What to pay out.
#[derive(Deserialize, ToSchema)]
pub struct PayoutBody {
    /// ISO 4217 code.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    /// Minor units; all that there is when absent.
    amount: Option<i64>,
}

/// Asks for a payout. For the vendor's owner and admins.
///
/// Less than the least payout of the currency, or more than is available, is refused with 409.
#[utoipa::path(post, path = "/vendors/{id}/payouts", tag = "vendors", request_body = PayoutBody,
    params(("id" = String, Path, description = "Id or slug")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 201, description = "Asked for", body = Payout)))]
pub async fn request_payout(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(vendor): PathParams<String>,
    JsonBody(body): JsonBody<PayoutBody>,
) -> Result<Written<Payout>, ApiError> {
    let vendor = vendor_id(&api, &vendor).await?;
    let (payout, done) = payouts::request(&api.app, &context, vendor, body.currency, body.amount).await?;
    Ok(Written::created(done.position, written_payout(&api, payout, done).await?))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use crate::testing::World;

    const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60 + 1);

    #[tokio::test]
    async fn a_vendor_is_paid_what_it_earned_and_was_held_long_enough() {
        let world = World::new();
        let sold = world.sold("log-reader", 2).await;
        let path = "/vendors/acme/payouts";
        let early = sold.seller.person.post(path, json!({"currency": "USD"})).await;
        assert_eq!((early.status, early.reason()), (409, "payout_too_small"), "it is held back");
        world.clock.advance(WEEK);
        let owner = sold.owner().await;
        let ask = async |body| owner.post(path, body).await;
        // Of twice 49 dollars Souk keeps 15 %.
        let much = ask(json!({"currency": "USD", "amount": 8_331})).await;
        assert_eq!((much.status, much.reason()), (409, "payout_too_large"), "{}", much.text);
        let all = ask(json!({"currency": "USD"})).await;
        let told = (&all.body["amount"], &all.body["currency"], &all.body["status"]);
        assert_eq!((all.status, told), (201, (&json!(8_330), &json!("USD"), &json!("requested"))), "{}", all.text);
        assert_eq!(ask(json!({"currency": "USD"})).await.reason(), "payout_too_small", "nobody is paid twice");
        assert_eq!(ask(json!({"currency": "EUR"})).await.reason(), "payout_too_small");
        assert_eq!(owner.get(path).await.body["items"][0]["id"], all.body["id"]);
    }

    #[tokio::test]
    async fn however_many_ask_at_once_it_is_paid_once() {
        let world = World::new();
        let sold = world.sold("log-reader", 4).await;
        world.clock.advance(WEEK);
        let owner = sold.owner().await;
        let asked = (0..12).map(|_| owner.post("/vendors/acme/payouts", json!({"currency": "USD", "amount": 6_000})));
        let answers = futures::future::join_all(asked).await;
        let paid: Vec<u16> = answers.iter().map(|answer| answer.status).filter(|status| *status != 409).collect();
        assert_eq!(paid, [201, 201], "of 166.60 there are twice 60.00");
        assert_eq!(world.count("vendor.payout_requested"), 2);
    }

    #[tokio::test]
    async fn only_who_may_asks_for_what_can_be() {
        let world = World::new();
        let seller = world.seller("acme").await;
        let (path, body) = ("/vendors/acme/payouts", json!({"currency": "USD", "amount": 5_000}));
        assert_eq!(world.nobody().post(path, body.clone()).await.status, 401);
        assert_eq!(world.person("stranger").await.post(path, body.clone()).await.status, 403);
        assert_eq!(world.admin().await.post(path, body).await.status, 409);
        for (body, status) in [
            (json!({"currency": "gold"}), 422),
            (json!({}), 422),
            (json!({"currency": "USD", "amount": 0}), 409),
            (json!({"currency": "USD", "amount": -1}), 409),
            (json!({"currency": "USD", "amount": "much"}), 422),
        ] {
            assert_eq!(seller.person.post(path, body.clone()).await.status, status, "{body}");
        }
    }
}
