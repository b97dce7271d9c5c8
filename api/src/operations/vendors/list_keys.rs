//! `GET /vendors/{id}/keys`

use axum::{Json, extract::State};
use souk_app::vendor_keys;

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, PathParams},
    operations::shared::vendor_id,
    wire::{List, keys::VendorKey},
};

/// Every key that a vendor ever registered to sign with, also revoked ones: what they signed before stays signed.
#[utoipa::path(get, path = "/vendors/{id}/keys", tag = "vendors",
    params(("id" = String, Path, description = "Id or slug")),
    responses((status = 200, description = "All of them", body = List<VendorKey>)))]
pub async fn list_vendor_keys(
    State(api): State<Api>,
    _: MinPosition,
    PathParams(vendor): PathParams<String>,
) -> Result<Json<List<VendorKey>>, ApiError> {
    let vendor = vendor_id(&api, &vendor).await?;
    Ok(Json(List::of(vendor_keys::list(&api.app, vendor).await?.value, None)))
}

#[cfg(test)]
mod tests {
    use souk_signing::SecretKey;

    use crate::testing::World;

    #[tokio::test]
    async fn anyone_sees_the_keys_of_a_vendor() {
        let world = World::new();
        let seller = world.seller("acme").await;
        let path = format!("/vendors/{}/keys", seller.vendor);
        assert_eq!(world.nobody().get(&path).await.body["items"].as_array().map(Vec::len), Some(0));
        let key = SecretKey::from_seed([5; 32]);
        seller.register_key(&key).await;
        let answer = world.nobody().get("/vendors/acme/keys").await;
        assert_eq!(answer.body["items"][0]["publicKey"], key.public().to_string());
        assert_eq!(world.nobody().get("/vendors/nobody/keys").await.status, 404);
    }
}
