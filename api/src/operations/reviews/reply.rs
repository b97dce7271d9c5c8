//! `POST /plugins/{plugin}/reviews/{id}/reply`

use axum::extract::State;
use serde::Deserialize;
use souk_app::reviews;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, Privileged},
    wire::reviews::Review,
};

/// A vendor's answer.
#[derive(Deserialize, ToSchema)]
pub struct ReplyBody {
    /// What it says.
    body: String,
}

/// Answers a review. For the plugin's vendor.
#[utoipa::path(post, path = "/plugins/{plugin}/reviews/{id}/reply", tag = "reviews", request_body = ReplyBody,
    params(("plugin" = String, Path, description = "Id or name"), ("id" = Uuid, Path, description = "Which review")),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "Answered", body = Review)))]
pub async fn reply_to_review(
    State(api): State<Api>,
    Privileged(context): Privileged,
    PathParams((plugin, review)): PathParams<(String, Uuid)>,
    JsonBody(body): JsonBody<ReplyBody>,
) -> Result<Written<Review>, ApiError> {
    let plugin = plugin.as_str().into();
    let done = reviews::reply(&api.app, &context, &plugin, review.into(), &body.body).await?;
    Ok(Written::ok(done.position, Review::of_stream(done.value, None)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn only_the_vendor_answers() {
        let world = World::new();
        let reviewed = world.reviewed("log-reader").await;
        let path = format!("/plugins/log-reader/reviews/{}/reply", reviewed.id);
        let body = json!({"body": "Thank you."});
        assert_eq!(world.nobody().post(&path, body.clone()).await.status, 401);
        assert_eq!(reviewed.author.post(&path, body.clone()).await.status, 403);
        let answer = reviewed.seller.person.post(&path, body).await;
        assert_eq!((answer.status, &answer.body["reply"]["body"]), (200, &json!("Thank you.")), "{}", answer.body);
    }
}
