//! `POST /orders`

use axum::extract::State;
use serde::Deserialize;
use souk_app::orders;
use souk_domain::order::Gateway;
use utoipa::ToSchema;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, SignedIn},
    operations::shared,
    wire::{library::Order, vocabulary},
};

/// What to buy, and through what.
#[derive(Deserialize, ToSchema)]
pub struct OrderBody {
    /// Id or name.
    plugin: String,
    /// Through what it is paid.
    #[schema(value_type = vocabulary::Gateway)]
    gateway: Gateway,
}

/// Orders a plugin at today's price and terms.
#[utoipa::path(post, path = "/orders", tag = "orders", request_body = OrderBody,
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 201, description = "The order; `checkout` says how to pay it", body = Order)))]
pub async fn place_order(
    State(api): State<Api>,
    who: SignedIn,
    JsonBody(body): JsonBody<OrderBody>,
) -> Result<Written<Order>, ApiError> {
    let done = orders::place(&api.app, &who.context, &body.plugin.as_str().into(), body.gateway).await?;
    Ok(Written::created(done.position, shared::order(&api, &who.context, done.value).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn a_paid_plugin_is_ordered() {
        let world = World::new();
        world.seller("acme").await.paid("log-reader", "1.0.0").await;
        let ada = world.person("ada").await;
        let answer = ada.post("/orders", json!({"plugin": "log-reader", "gateway": "manual"})).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let order = &answer.body;
        assert_eq!(
            (&order["status"], &order["amount"], &order["currency"]),
            (&json!("pending"), &json!(4900), &json!("USD"))
        );
        assert_eq!((&order["plugin"]["name"], &order["checkout"]["type"]), (&json!("log-reader"), &json!("manual")));
    }

    #[tokio::test]
    async fn what_cannot_be_ordered_is_refused() {
        let world = World::new();
        world.seller("acme").await.published("free", "1.0.0").await;
        let ada = world.person("ada").await;
        for (body, status) in [
            (json!({"plugin": "free", "gateway": "manual"}), 409),
            (json!({"plugin": "unknown", "gateway": "manual"}), 404),
            (json!({"plugin": "free", "gateway": "gold"}), 422),
            (json!({"plugin": "free"}), 422),
        ] {
            assert_eq!(ada.post("/orders", body.clone()).await.status, status, "{body}");
        }
        assert_eq!(world.nobody().post("/orders", json!({"plugin": "free", "gateway": "manual"})).await.status, 401);
    }
}
