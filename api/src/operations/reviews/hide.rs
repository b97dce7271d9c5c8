//! `POST /plugins/{plugin}/reviews/{id}/hide`

use axum::extract::State;
use souk_app::reviews;
use uuid::Uuid;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, Privileged},
    wire::{Reason, reviews::Review},
};

/// Hides a review. For moderators.
#[utoipa::path(post, path = "/plugins/{plugin}/reviews/{id}/hide", tag = "reviews", request_body = Reason,
    params(("plugin" = String, Path, description = "Id or name"), ("id" = Uuid, Path, description = "Which review")),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "Hidden", body = Review)))]
pub async fn hide_review(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams((plugin, review)): PathParams<(String, Uuid)>,
    JsonBody(body): JsonBody<Reason>,
) -> Result<Written<Review>, ApiError> {
    let plugin = plugin.as_str().into();
    let done = reviews::hide(&api.app, &context, &plugin, review.into(), &body.reason).await?;
    Ok(Written::ok(done.position, Review::of_stream(done.value, None)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn only_a_moderator_hides() {
        let world = World::new();
        let reviewed = world.reviewed("log-reader").await;
        let path = format!("/plugins/log-reader/reviews/{}/hide", reviewed.id);
        let body = json!({"reason": "an advertisement"});
        assert_eq!(reviewed.author.post(&path, body.clone()).await.status, 403);
        let answer = world.moderator().await.post(&path, body).await;
        assert_eq!((answer.status, &answer.body["hidden"]), (200, &json!(true)), "{}", answer.body);
    }
}
