//! `GET /me/library`

use axum::{Json, extract::State};

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, QueryParams, SignedIn},
    operations::shared::at,
    reads::Window,
    wire::{List, Paging, library::Installation, limit},
};

/// What the caller has installed, or had: changed last first.
#[utoipa::path(get, path = "/me/library", tag = "me", params(Paging), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "A page", body = List<Installation>)))]
pub async fn my_library(
    State(api): State<Api>,
    who: SignedIn,
    min: MinPosition,
    QueryParams(paging): QueryParams<Paging>,
) -> Result<Json<List<Installation>>, ApiError> {
    let page = Window { limit: limit(paging.limit)?, cursor: paging.cursor };
    let list = api.reads.installations(at(&api, min), who.user, page).await?;
    Ok(Json(list))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn somebody_new_has_nothing() {
        let world = World::new();
        let answer = world.person("ada").await.get("/me/library").await;
        assert_eq!((answer.status, answer.body), (200, json!({"items": [], "nextCursor": null})));
        assert_eq!(world.nobody().get("/me/library").await.status, 401);
    }

    #[tokio::test]
    async fn a_page_has_1_to_100_items() {
        let ada = World::new().person("ada").await;
        for limit in ["0", "101", "-1", "many"] {
            let answer = ada.get(&format!("/me/library?limit={limit}")).await;
            assert_eq!((answer.status, answer.code()), (422, "validation_failed"), "{limit}");
        }
    }
}
