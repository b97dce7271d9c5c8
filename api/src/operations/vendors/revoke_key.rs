//! `DELETE /vendors/{id}/keys/{keyId}`

use axum::extract::State;
use souk_app::vendor_keys;
use uuid::Uuid;

use crate::{
    Api,
    answer::Gone,
    error::ApiError,
    extract::{PathParams, Privileged},
    operations::shared::vendor_id,
};

/// Ends a key: it signs nothing new, at once and for good. For the vendor and admins.
#[utoipa::path(delete, path = "/vendors/{id}/keys/{keyId}", tag = "vendors",
    params(("id" = String, Path, description = "Id or slug"), ("keyId" = Uuid, Path, description = "Which key")),
    security(("bearer" = []), ("apiKey" = [])), responses((status = 204, description = "It signs nothing new")))]
pub async fn revoke_vendor_key(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams((vendor, key)): PathParams<(String, Uuid)>,
) -> Result<Gone, ApiError> {
    let vendor = vendor_id(&api, &vendor).await?;
    Ok(Gone(vendor_keys::revoke(&api.app, &context, vendor, key.into()).await?.position))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use souk_signing::SecretKey;

    use crate::testing::World;

    #[tokio::test]
    async fn a_revoked_key_signs_nothing_and_never_comes_back() {
        let world = World::new();
        let seller = world.seller("acme").await;
        let key = SecretKey::from_seed([5; 32]);
        let path = format!("/vendors/acme/keys/{}", seller.register_key(&key).await);
        assert_eq!(world.nobody().delete(&path).await.status, 401);
        assert_eq!(world.person("ben").await.delete(&path).await.status, 403);
        assert_eq!(seller.person.delete(&path).await.status, 204);
        assert_eq!(seller.person.delete(&path).await.status, 204, "it is revoked already");
        assert_eq!(world.nobody().get("/vendors/acme/keys").await.body["items"][0]["revoked"], json!(true));
        let body = json!({"publicKey": key.public().to_string(), "label": "again"});
        let again = seller.person.post("/vendors/acme/keys", body).await;
        assert_eq!((again.status, &again.body["error"]["details"]["reason"]), (409, &json!("key_was_revoked")));
        seller.plugin("log-reader").await;
        let refused = seller.hand_in_signed(&key, "log-reader", "1.0.0").await;
        assert_eq!((refused.status, refused.code()), (422, "invalid_signature"));
        assert_eq!(seller.person.delete(&format!("/vendors/acme/keys/{}", seller.vendor)).await.status, 404);
    }
}
