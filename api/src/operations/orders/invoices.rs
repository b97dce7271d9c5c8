//! `GET /orders/{id}/invoices`

use axum::{Json, extract::State};
use souk_app::orders;
use uuid::Uuid;

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, PathParams, Privileged},
    operations::shared::at,
    wire::{List, earnings::Invoice},
};

/// The invoices and credit notes of an order, the oldest first. For its buyer and admins.
#[utoipa::path(get, path = "/orders/{id}/invoices", tag = "orders", params(("id" = Uuid, Path, description = "Which order")),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "All of them", body = List<Invoice>)))]
pub async fn order_invoices(
    State(api): State<Api>,
    Privileged(context): Privileged,
    min: MinPosition,
    PathParams(order): PathParams<Uuid>,
) -> Result<Json<List<Invoice>>, ApiError> {
    let order = orders::get(&api.app, &context, order.into()).await?.value;
    Ok(Json(List::whole(api.reads.order_invoices(at(&api, min), order.id.uuid()).await?)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn its_buyer_and_admins_see_them() {
        let world = World::new();
        let ordered = world.ordered("log-reader").await;
        let path = format!("/orders/{}/invoices", ordered.order);
        let seen = ordered.buyer.get(&path).await;
        assert_eq!((seen.status, seen.body), (200, json!({"items": [], "nextCursor": null})));
        assert_eq!(world.admin().await.get(&path).await.status, 200);
        assert!([403, 404].contains(&world.person("ben").await.get(&path).await.status));
        assert_eq!(world.nobody().get(&path).await.status, 401);
    }
}
