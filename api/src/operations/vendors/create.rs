//! `POST /vendors`

use axum::extract::State;
use serde::Deserialize;
use souk_app::vendors;
use utoipa::ToSchema;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, SignedIn},
    operations::shared::written_vendor,
    wire::catalogue::Vendor,
};

/// A new vendor.
#[derive(Deserialize, ToSchema)]
pub struct VendorBody {
    /// Its name, 1 to 100 characters.
    #[schema(example = "Acme")]
    name: String,
    /// Its unique short name: lower-case letters, digits and `-`, 2 to 64 characters.
    #[schema(example = "acme")]
    slug: String,
}

/// Opens a vendor, which the caller owns.
///
/// It publishes once an admin has verified it. A taken slug is refused with 409.
#[utoipa::path(post, path = "/vendors", tag = "vendors", request_body = VendorBody,
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 201, description = "The vendor", body = Vendor)))]
pub async fn create_vendor(
    State(api): State<Api>,
    who: SignedIn,
    JsonBody(body): JsonBody<VendorBody>,
) -> Result<Written<Vendor>, ApiError> {
    let input = vendors::RegisterVendor { name: body.name, slug: body.slug, owner: None };
    let done = vendors::register(&api.app, &who.context, input).await?;
    Ok(Written::created(done.position, written_vendor(&api, done).await))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn a_vendor_is_opened_unverified_and_its_owner_is_a_vendor() {
        let world = World::new();
        let ada = world.person("ada").await;
        let answer = ada.post("/vendors", json!({"name": "Acme", "slug": "acme"})).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        assert_eq!((&answer.body["slug"], &answer.body["verified"]), (&json!("acme"), &json!(false)));
        assert_eq!(ada.get("/me").await.body["roles"], json!(["customer", "vendor"]));
    }

    #[tokio::test]
    async fn a_slug_is_taken_once() {
        let world = World::new();
        let body = json!({"name": "Acme", "slug": "acme"});
        world.person("ada").await.post("/vendors", body.clone()).await;
        let answer = world.person("ben").await.post("/vendors", body.clone()).await;
        assert_eq!((answer.status, answer.reason()), (409, "slug_taken"));
        assert_eq!(world.nobody().post("/vendors", body).await.status, 401);
    }
}
