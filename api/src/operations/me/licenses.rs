//! `GET /me/licenses`

use axum::{Json, extract::State};

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, QueryParams, SignedIn},
    operations::shared::{at, license_key},
    reads::Window,
    wire::{List, Paging, library::License, limit},
};

/// The caller's licenses with their keys, the newest first.
#[utoipa::path(get, path = "/me/licenses", tag = "me", params(Paging), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "A page", body = List<License>)))]
pub async fn my_licenses(
    State(api): State<Api>,
    who: SignedIn,
    min: MinPosition,
    QueryParams(paging): QueryParams<Paging>,
) -> Result<Json<List<License>>, ApiError> {
    let page = Window { limit: limit(paging.limit)?, cursor: paging.cursor };
    let mut list = api.reads.licenses(at(&api, min), who.user, page).await?;
    for license in &mut list.items {
        license.key = Some(license_key(&api, license.id.into(), license.key_generation));
    }
    Ok(Json(list))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn somebody_new_has_nothing() {
        let world = World::new();
        let answer = world.person("ada").await.get("/me/licenses").await;
        assert_eq!((answer.status, answer.body), (200, json!({"items": [], "nextCursor": null})));
        assert_eq!(world.nobody().get("/me/licenses").await.status, 401);
    }

    #[tokio::test]
    async fn a_page_has_1_to_100_items() {
        let ada = World::new().person("ada").await;
        for limit in ["0", "101", "-1", "many"] {
            let answer = ada.get(&format!("/me/licenses?limit={limit}")).await;
            assert_eq!((answer.status, answer.code()), (422, "validation_failed"), "{limit}");
        }
    }
}
