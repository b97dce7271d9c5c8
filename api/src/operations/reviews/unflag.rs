//! `POST /plugins/{plugin}/reviews/{id}/unflag`

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

/// Lets a review stand that was reported. For moderators who do not own the plugin.
#[utoipa::path(post, path = "/plugins/{plugin}/reviews/{id}/unflag", tag = "reviews",
    params(("plugin" = String, Path, description = "Id or name"), ("id" = Uuid, Path, description = "Which review")),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "It stands", body = Review)))]
pub async fn unflag_review(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams((plugin, review)): PathParams<(String, Uuid)>,
) -> Result<Written<Review>, ApiError> {
    let done = reviews::unflag(&api.app, &context, &plugin.as_str().into(), review.into()).await?;
    Ok(Written::ok(done.position, Review::of_stream(done.value, None)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use souk_domain::user::Role;

    use crate::testing::World;

    #[tokio::test]
    async fn only_a_moderator_lets_it_stand_and_not_the_plugins_owner() {
        let world = World::new();
        let reviewed = world.reviewed("log-reader").await;
        let path = |verb: &str| format!("/plugins/log-reader/reviews/{}/{verb}", reviewed.id);
        assert_eq!(reviewed.author.post(&path("flag"), json!({"reason": "rude"})).await.status, 200);
        assert_eq!(reviewed.author.post(&path("unflag"), json!({})).await.status, 403);
        let owner = &reviewed.seller.person;
        world.grant(owner, Role::Moderator).await;
        for (verb, body) in [("unflag", json!({})), ("hide", json!({"reason": "rude"})), ("restore", json!({}))] {
            assert_eq!(owner.post(&path(verb), body).await.status, 403, "{verb}");
        }
        let moderator = world.moderator().await;
        for _ in 0..2 {
            let answer = moderator.post(&path("unflag"), json!({})).await;
            assert_eq!((answer.status, &answer.body["hidden"]), (200, &json!(false)), "{}", answer.body);
        }
        assert_eq!(world.count("review.unflagged"), 1);
    }
}
