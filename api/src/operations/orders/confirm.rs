//! `POST /orders/{id}/confirm`

use axum::extract::State;
use serde::Deserialize;
use souk_app::payments::{self, Proof};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, Privileged},
    operations::shared,
    wire::library::Order,
};

/// What a browser brings back from a gateway's page, where it brings back something.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfirmOrder {
    /// The gateway's name of the payment, e.g. `razorpay_payment_id`.
    #[serde(default)]
    payment_id: Option<String>,
    /// What the gateway signed it with, e.g. `razorpay_signature`.
    #[serde(default)]
    signature: Option<String>,
}

/// Asks the gateway what became of the order's checkout, instead of waiting for its webhook. For its buyer, who comes back from paying, and for
/// admins, when a webhook was lost. Answers the order as it then stands; one that nobody paid yet is `pending`.
#[utoipa::path(post, path = "/orders/{id}/confirm", tag = "orders", params(("id" = Uuid, Path, description = "Which order")),
    request_body = ConfirmOrder, security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The order", body = Order)))]
pub async fn confirm_order(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(order): PathParams<Uuid>,
    JsonBody(body): JsonBody<ConfirmOrder>,
) -> Result<Written<Order>, ApiError> {
    let proof = match (body.payment_id, body.signature) {
        (Some(payment), Some(signature)) => Some(Proof { payment, signature }),
        (None, None) => None,
        (Some(_), None) => return Err(ApiError::invalid_field("signature", "must come with the payment")),
        (None, Some(_)) => return Err(ApiError::invalid_field("paymentId", "must come with the signature")),
    };
    let read = payments::confirm(&api.app, &context, order.into(), proof).await?;
    Ok(Written::ok(read.position, shared::order(&api, &context, read.value).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use souk_domain::id::OrderId;
    use souk_testkit::gateway::Told;

    use crate::testing::{Person, World};

    async fn ordered(world: &World) -> (Person, OrderId) {
        let seller = world.seller("acme").await;
        let pricing = json!({"model": "one_time", "amount": 4900, "currency": "USD"});
        seller.priced("log-reader", "1.0.0", pricing).await;
        let buyer = world.person("ada").await;
        let order = buyer.post("/orders", json!({"plugin": "log-reader", "gateway": "stripe"})).await;
        assert_eq!(order.status, 201, "{}", order.text);
        (buyer, order.body["id"].as_str().unwrap().parse().unwrap())
    }

    fn paid(order: OrderId, amount: i64) -> Told {
        let total = souk_domain::money::Money { amount, currency: "USD".parse().unwrap() };
        Told::Paid { order: Some(order), names: vec!["pi_1".into()], total, tax: Some(0), subscription: None }
    }

    #[tokio::test]
    async fn who_comes_back_from_paying_need_not_wait_for_the_webhook() {
        let world = World::new();
        let (buyer, order) = ordered(&world).await;
        let path = format!("/orders/{order}/confirm");
        let open = buyer.post(&path, json!({})).await;
        assert_eq!((open.status, &open.body["status"]), (200, &json!("pending")));
        *world.gateway.outcome.lock().unwrap() = Some(paid(order, 4_900));
        let forged = buyer.post(&path, json!({"paymentId": "pay_1", "signature": "cs_1|pay_1"})).await;
        assert_eq!((forged.status, &forged.body["error"]["details"]["reason"]), (409, &json!("bad_signature")));
        assert_eq!(buyer.post(&path, json!({"paymentId": "pay_1"})).await.status, 422);
        let stranger = world.person("ben").await.post(&path, json!({})).await;
        assert_eq!(stranger.status, 403);
        let proof = json!({"paymentId": "pay_1", "signature": format!("cs_{order}|pay_1")});
        for body in [proof, json!({})] {
            let answer = buyer.post(&path, body).await;
            assert_eq!((answer.status, &answer.body["status"]), (200, &json!("paid")), "{}", answer.text);
        }
        world.settle().await;
        let count = |kind: &str| world.memory.events().iter().filter(|event| event.event_type == kind).count();
        assert_eq!((count("payment.completed"), count("license.issued")), (1, 1));
    }

    #[tokio::test]
    async fn what_cannot_be_asked_or_pays_nothing_is_named() {
        let world = World::new();
        let manual = world.ordered("log-writer").await;
        let answer = manual.buyer.post(&format!("/orders/{}/confirm", manual.order), json!({})).await;
        assert_eq!((answer.status, &answer.body["error"]["details"]["reason"]), (409, &json!("no_checkout")));

        let world = World::new();
        let (buyer, order) = ordered(&world).await;
        let path = format!("/orders/{order}/confirm");
        world.gateway.down.store(true, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(buyer.post(&path, json!({})).await.status, 503);
        world.gateway.down.store(false, std::sync::atomic::Ordering::SeqCst);
        *world.gateway.outcome.lock().unwrap() = Some(paid(order, 1));
        let answer = buyer.post(&path, json!({})).await;
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!("pending")), "too little pays nothing");
    }
}
