//! `POST /orders/{id}/cancel`

use axum::extract::State;
use souk_app::orders;
use uuid::Uuid;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{PathParams, Privileged},
    operations::shared,
    wire::library::Order,
};

/// Lets nobody pay an order any more. For its buyer and admins. What was paid already is refused with 409: it is refunded.
#[utoipa::path(post, path = "/orders/{id}/cancel", tag = "orders", params(("id" = Uuid, Path, description = "Which order")),
    security(("bearer" = []), ("apiKey" = [])), responses((status = 200, description = "The order", body = Order)))]
pub async fn cancel_order(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(order): PathParams<Uuid>,
) -> Result<Written<Order>, ApiError> {
    let done = orders::cancel(&api.app, &context, order.into()).await?;
    Ok(Written::ok(done.position, shared::order(&api, &context, done.value).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn a_canceled_order_is_not_paid_and_a_paid_one_not_canceled() {
        let world = World::new();
        let ordered = world.ordered("log-reader").await;
        let path = format!("/orders/{}", ordered.order);
        assert_eq!(world.nobody().post(&format!("{path}/cancel"), json!({})).await.status, 401);
        assert_eq!(world.person("ben").await.post(&format!("{path}/cancel"), json!({})).await.status, 403);
        let answer = ordered.buyer.post(&format!("{path}/cancel"), json!({})).await;
        assert_eq!(
            (answer.status, &answer.body["status"], &answer.body["checkout"]),
            (200, &json!("canceled"), &json!(null))
        );
        let late = world.admin().await.post(&format!("{path}/payments"), json!({"reference": "bank-1"})).await;
        assert_eq!((late.status, &late.body["error"]["details"]["reason"]), (409, &json!("order_canceled")));

        let world = World::new();
        let paid = world.ordered("log-writer").await;
        let path = format!("/orders/{}", paid.order);
        world.admin().await.post(&format!("{path}/payments"), json!({"reference": "bank-2"})).await;
        let late = paid.buyer.post(&format!("{path}/cancel"), json!({})).await;
        assert_eq!((late.status, &late.body["error"]["details"]["reason"]), (409, &json!("already_paid")));
    }
}
