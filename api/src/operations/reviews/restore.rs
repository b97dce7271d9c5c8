//! `POST /plugins/{plugin}/reviews/{id}/restore`

use axum::extract::State;
use souk_app::reviews;
use uuid::Uuid;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{PathParams, Privileged},
    wire::reviews::Review,
};

/// Shows a hidden review again. For moderators.
#[utoipa::path(post, path = "/plugins/{plugin}/reviews/{id}/restore", tag = "reviews",
    params(("plugin" = String, Path, description = "Id or name"), ("id" = Uuid, Path, description = "Which review")),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "Shown", body = Review)))]
pub async fn restore_review(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams((plugin, review)): PathParams<(String, Uuid)>,
) -> Result<Written<Review>, ApiError> {
    let plugin = plugin.as_str().into();
    let done = reviews::restore(&api.app, &context, &plugin, review.into()).await?;
    Ok(Written::ok(done.position, Review::of_stream(done.value, None)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn only_a_moderator_restores() {
        let world = World::new();
        let reviewed = world.reviewed("log-reader").await;
        let moderator = world.moderator().await;
        let path = |what: &str| format!("/plugins/log-reader/reviews/{}/{what}", reviewed.id);
        moderator.post(&path("hide"), json!({"reason": "looked odd"})).await;
        assert_eq!(reviewed.author.post(&path("restore"), json!({})).await.status, 403);
        let answer = moderator.post(&path("restore"), json!({})).await;
        assert_eq!((answer.status, &answer.body["hidden"]), (200, &json!(false)), "{}", answer.body);
    }
}
