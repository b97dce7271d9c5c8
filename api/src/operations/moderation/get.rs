//! `GET /moderation/{id}`

use axum::{Json, extract::State};
use uuid::Uuid;

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, PathParams, Privileged},
    operations::shared::found,
    wire::moderation::ModerationCase,
};

/// Everything there is to decide by: what was found, what was said, what was decided before. For moderators.
#[utoipa::path(get, path = "/moderation/{id}", tag = "moderation",
    params(("id" = Uuid, Path, description = "Of the validation or the review")),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "What waits, or waited", body = ModerationCase)))]
pub async fn moderation_case(
    State(api): State<Api>,
    Privileged(context): Privileged,
    min: MinPosition,
    PathParams(id): PathParams<Uuid>,
) -> Result<Json<ModerationCase>, ApiError> {
    context.require_moderator()?;
    found(&api, min, "this item", |at| api.reads.moderation_case(at, id)).await.map(Json)
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn only_moderators_look_and_unknown_items_are_not_there() {
        let world = World::new();
        let path = "/moderation/6a0f5c1e-7b1d-4c57-9a3e-50756b000001";
        assert_eq!(world.nobody().get(path).await.status, 401);
        assert_eq!(world.person("ben").await.get(path).await.status, 403);
        let moderator = world.moderator().await;
        assert_eq!(moderator.get(path).await.status, 404);
        assert!(moderator.get("/moderation/first").await.status < 500);
    }
}
