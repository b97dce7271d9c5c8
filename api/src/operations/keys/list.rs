//! `GET /keys`

use axum::{Json, extract::State};
use souk_app::releases;

use crate::{
    Api,
    error::ApiError,
    wire::{List, keys::SoukKey},
};

/// The public keys with which Souk signs release records.
///
/// Keep the answer: `souk verify --keys` checks with it, without asking anybody.
#[utoipa::path(get, path = "/keys", tag = "keys",
    responses((status = 200, description = "All of them", body = List<SoukKey>)))]
pub async fn list_keys(State(api): State<Api>) -> Result<Json<List<SoukKey>>, ApiError> {
    Ok(Json(List::whole(releases::keys(&api.app).iter().map(SoukKey::from).collect())))
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn anyone_learns_the_keys_and_they_stay() {
        let world = World::new();
        let first = world.nobody().get("/keys").await;
        assert_eq!((first.status, first.body["items"].as_array().map(Vec::len)), (200, Some(1)), "{}", first.body);
        assert_eq!(first.body["items"][0]["algorithm"], "Ed25519");
        assert_eq!(first.body["items"][0]["publicKey"].as_str().map(str::len), Some(44));
        assert_eq!(world.nobody().get("/keys").await.body, first.body);
    }
}
