//! `GET /vendors/{id}`

use axum::{Json, extract::State};

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, PathParams},
    operations::shared::found,
    wire::catalogue::Vendor,
};

/// A vendor, by id or slug.
#[utoipa::path(get, path = "/vendors/{id}", tag = "vendors", params(("id" = String, Path, description = "Id or slug")),
    responses((status = 200, description = "The vendor", body = Vendor)))]
pub async fn get_vendor(
    State(api): State<Api>,
    min: MinPosition,
    PathParams(vendor): PathParams<String>,
) -> Result<Json<Vendor>, ApiError> {
    found(&api, min, "this vendor", |at| api.reads.vendor(at, &vendor)).await.map(Json)
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn a_vendor_is_found_by_id_and_slug() {
        let world = World::new();
        let seller = world.seller("acme").await;
        for name in [seller.vendor.as_str(), "acme"] {
            let answer = world.nobody().get(&format!("/vendors/{name}")).await;
            assert_eq!((answer.status, answer.body["slug"].as_str()), (200, Some("acme")));
        }
        let answer = world.nobody().get("/vendors/nobody").await;
        assert_eq!((answer.status, answer.code()), (404, "not_found"));
    }
}
