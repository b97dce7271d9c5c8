//! `POST /orders/{id}/refunds`

use axum::extract::State;
use serde::Deserialize;
use souk_app::orders;
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

/// Money to give back.
#[derive(Deserialize, ToSchema)]
pub struct RefundBody {
    /// Minor units; all that is left when absent.
    amount: Option<i64>,
    /// Why, 1 to 1,000 characters.
    reason: String,
}

/// Gives money back. For admins.
///
/// A refund in full ends the license. More than is left is refused with 409.
#[utoipa::path(post, path = "/orders/{id}/refunds", tag = "orders", request_body = RefundBody,
    params(("id" = Uuid, Path, description = "Which order")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The order", body = Order)))]
pub async fn refund_order(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(order): PathParams<Uuid>,
    JsonBody(body): JsonBody<RefundBody>,
) -> Result<Written<Order>, ApiError> {
    let done = orders::refund(&api.app, &context, order.into(), body.amount, &body.reason).await?;
    Ok(Written::ok(done.position, shared::order(&api, &context, done.value).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn an_admin_gives_back_at_most_what_was_paid() {
        let world = World::new();
        let ordered = world.ordered("log-reader").await;
        let admin = world.admin().await;
        let path = format!("/orders/{}/refunds", ordered.order);
        let refund = async |amount: i64| admin.post(&path, json!({"amount": amount, "reason": "unhappy"})).await;
        assert_eq!(refund(100).await.status, 409, "nothing was paid yet");
        admin.post(&format!("/orders/{}/payments", ordered.order), json!({"reference": "bank-1"})).await;
        let part = refund(900).await;
        assert_eq!((part.status, &part.body["status"]), (200, &json!("partially_refunded")), "{}", part.body);
        assert_eq!(refund(4001).await.status, 409);
        assert_eq!(refund(0).await.status, 422);
        let rest = admin.post(&path, json!({"reason": "unhappy"})).await;
        assert_eq!((&rest.body["status"], &rest.body["refundedTotal"]), (&json!("refunded"), &json!(4900)));
        assert_eq!(ordered.buyer.post(&path, json!({"reason": "unhappy"})).await.status, 403);
    }
}
