//! `GET /orders/{id}`

use axum::{Json, extract::State};
use souk_app::orders;
use uuid::Uuid;

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, PathParams, Privileged},
    operations::shared,
    wire::library::Order,
};

/// An order. For its buyer and admins.
#[utoipa::path(get, path = "/orders/{id}", tag = "orders", params(("id" = Uuid, Path, description = "Which order")),
    security(("bearer" = []), ("apiKey" = [])), responses((status = 200, description = "The order", body = Order)))]
pub async fn get_order(
    State(api): State<Api>,
    Privileged(context): Privileged,
    _: MinPosition,
    PathParams(order): PathParams<Uuid>,
) -> Result<Json<Order>, ApiError> {
    let order = orders::get(&api.app, &context, order.into()).await?.value;
    shared::order(&api, &context, order).await.map(Json)
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn its_buyer_and_admins_see_it() {
        let world = World::new();
        let ordered = world.ordered("log-reader").await;
        let path = format!("/orders/{}", ordered.order);
        assert_eq!(ordered.buyer.get(&path).await.body["status"], "pending");
        assert_eq!(world.admin().await.get(&path).await.status, 200);
        assert!([403, 404].contains(&world.person("ben").await.get(&path).await.status));
        assert_eq!(world.nobody().get(&path).await.status, 401);
        assert_eq!(ordered.buyer.get("/orders/nonsense").await.status, 404);
    }
}
