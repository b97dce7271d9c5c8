//! `GET /moderation`

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    Api,
    error::ApiError,
    extract::{MinPosition, Privileged, QueryParams},
    operations::shared::at,
    reads::Window,
    wire::{
        List, limit,
        moderation::{ModerationItem, ModerationState, ModerationType},
    },
};

/// Which part of the queue.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct QueueQuery {
    /// `open`, the longest waiting first, or `decided`, the last decided first; `open` when absent.
    #[serde(default)]
    #[param(inline)]
    state: ModerationState,
    /// Only versions, or only reviews.
    #[serde(rename = "type", default)]
    #[param(inline)]
    subject: Option<ModerationType>,
    /// `nextCursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
    /// How many, 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// What waits for a moderator, or was decided: versions that the pipeline left to a human, appeals, and reviews that were
/// reported. For moderators.
#[utoipa::path(get, path = "/moderation", tag = "moderation", params(QueueQuery),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "A page", body = List<ModerationItem>)))]
pub async fn moderation_queue(
    State(api): State<Api>,
    Privileged(context): Privileged,
    min: MinPosition,
    QueryParams(query): QueryParams<QueueQuery>,
) -> Result<Json<List<ModerationItem>>, ApiError> {
    context.require_moderator()?;
    let page = Window { limit: limit(query.limit)?, cursor: query.cursor };
    api.reads.moderation_queue(at(&api, min), query.state, query.subject, page).await.map(Json)
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn only_moderators_see_what_waits() {
        let world = World::new();
        let moderator = world.moderator().await;
        assert_eq!(world.nobody().get("/moderation").await.status, 401);
        assert_eq!(world.person("ben").await.get("/moderation").await.status, 403);
        for path in ["/moderation", "/moderation?state=decided&type=review&limit=100", "/moderation?type=version"] {
            let answer = moderator.get(path).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert!(answer.body["items"].is_array() && answer.body["nextCursor"].is_null());
        }
    }

    #[tokio::test]
    async fn what_there_is_not_to_ask_for_is_refused_by_name() {
        let world = World::new();
        let moderator = world.moderator().await;
        for query in ["state=lost", "type=plugin", "limit=0", "limit=101", "limit=x"] {
            let answer = moderator.get(&format!("/moderation?{query}")).await;
            let field = query.split('=').next().unwrap();
            assert_eq!((answer.status, answer.code()), (422, "validation_failed"), "{query}: {}", answer.body);
            assert!(answer.body.to_string().contains(field), "{query}: {}", answer.body);
        }
    }
}
