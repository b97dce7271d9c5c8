//! `POST /orders/{id}/payments`

use axum::extract::State;
use serde::Deserialize;
use souk_app::orders;
use souk_domain::money::Currency;
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

/// A payment that was seen.
#[derive(Deserialize, ToSchema)]
pub struct PaymentBody {
    /// The gateway's name of the payment, 1 to 200 characters.
    reference: String,
    /// Minor units; what is due when absent.
    amount: Option<i64>,
    /// The order's when absent.
    #[schema(value_type = Option<String>, example = "USD")]
    currency: Option<Currency>,
}

/// Records a bank transfer that was seen. For admins.
///
/// The same reference again changes nothing; another one for a paid order, or another amount or currency, is refused with 409.
#[utoipa::path(post, path = "/orders/{id}/payments", tag = "orders", request_body = PaymentBody,
    params(("id" = Uuid, Path, description = "Which order")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The order", body = Order)))]
pub async fn record_payment(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams(order): PathParams<Uuid>,
    JsonBody(body): JsonBody<PaymentBody>,
) -> Result<Written<Order>, ApiError> {
    let input = orders::RecordPayment { reference: body.reference, amount: body.amount, currency: body.currency };
    let done = orders::record_payment(&api.app, &context, order.into(), input).await?;
    Ok(Written::ok(done.position, shared::order(&api, &context, done.value).await?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn an_admin_records_one_payment() {
        let world = World::new();
        let ordered = world.ordered("log-reader").await;
        let path = format!("/orders/{}/payments", ordered.order);
        let admin = world.admin().await;
        let pay = async |reference: &str| admin.post(&path, json!({"reference": reference})).await;
        let paid = pay("bank-1").await;
        assert_eq!((paid.status, &paid.body["status"]), (200, &json!("paid")), "{}", paid.body);
        assert!(paid.body["checkout"].is_null());
        assert_eq!(pay("bank-1").await.status, 200);
        assert_eq!(pay("bank-2").await.status, 409);
    }

    #[tokio::test]
    async fn only_admins_record_what_fits() {
        let world = World::new();
        let ordered = world.ordered("log-reader").await;
        let path = format!("/orders/{}/payments", ordered.order);
        let body = json!({"reference": "bank-1"});
        assert_eq!(world.nobody().post(&path, body.clone()).await.status, 401);
        assert_eq!(ordered.buyer.post(&path, body).await.status, 403);
        let admin = world.admin().await;
        for (body, status) in [
            (json!({"reference": "bank-1", "amount": 1}), 409),
            (json!({"reference": "bank-1", "currency": "EUR"}), 409),
            (json!({"reference": "bank-1", "currency": "gold"}), 422),
            (json!({"reference": "", "amount": 4900}), 422),
            (json!({}), 422),
        ] {
            assert_eq!(admin.post(&path, body.clone()).await.status, status, "{body}");
        }
    }
}
