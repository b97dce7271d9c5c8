//! `PUT /plugins/{plugin}/reviews/mine`

use axum::extract::State;
use serde::Deserialize;
use souk_app::{Secret, reviews};
use utoipa::ToSchema;

use super::written_by;
use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, SignedIn},
    wire::reviews::Review,
};

/// What a review says.
#[derive(Deserialize, ToSchema)]
pub struct ReviewBody {
    /// Stars, 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    rating: u8,
    /// Headline, 1 to 200 characters.
    #[schema(value_type = String)]
    title: Secret,
    /// Text, 1 to 10,000 characters.
    #[schema(value_type = String)]
    body: Secret,
}

/// Writes the caller's review of a plugin, or writes it anew.
///
/// Who never installed the plugin, and whose own it is, may not: 403 `not_entitled`.
#[utoipa::path(put, path = "/plugins/{plugin}/reviews/mine", tag = "reviews", request_body = ReviewBody,
    params(("plugin" = String, Path, description = "Id or name")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 201, description = "Written", body = Review), (status = 200, description = "Written anew", body = Review)))]
pub async fn put_review(
    State(api): State<Api>,
    who: SignedIn,
    PathParams(plugin): PathParams<String>,
    JsonBody(body): JsonBody<ReviewBody>,
) -> Result<Written<Review>, ApiError> {
    let input = reviews::WriteReview { rating: body.rating, title: body.title, body: body.body };
    let done = reviews::put(&api.app, &who.context, &plugin.as_str().into(), input).await?;
    let review = written_by(&api, done.value.clone(), who.user, done.position).await;
    Ok(Written::created_if(&done, "review.submitted", review))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::World;

    fn review(rating: impl Into<Value>) -> Value {
        json!({"rating": rating.into(), "title": "Good", "body": "It reads logs."})
    }

    #[tokio::test]
    async fn who_installed_it_reviews_it_and_may_change_their_mind() {
        let world = World::new();
        world.seller("acme").await.published("log-reader", "1.0.0").await;
        let ada = world.person("ada").await;
        ada.post("/plugins/log-reader/install", json!({})).await;
        let path = "/plugins/log-reader/reviews/mine";
        let first = ada.put(path, review(5)).await;
        assert_eq!((first.status, &first.body["rating"]), (201, &json!(5)), "{}", first.body);
        let second = ada.put(path, review(3)).await;
        assert_eq!((second.status, &second.body["rating"]), (200, &json!(3)));
        assert_eq!(first.body["id"], second.body["id"]);
    }

    #[tokio::test]
    async fn strangers_and_the_vendor_are_not_entitled() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.published("log-reader", "1.0.0").await;
        seller.person.post("/plugins/log-reader/install", json!({})).await;
        let path = "/plugins/log-reader/reviews/mine";
        for person in [&world.person("ben").await, &seller.person] {
            let answer = person.put(path, review(5)).await;
            assert_eq!((answer.status, answer.code()), (403, "not_entitled"));
        }
        assert_eq!(world.nobody().put(path, review(5)).await.status, 401);
    }

    #[tokio::test]
    async fn a_review_has_1_to_5_stars_and_words() {
        let world = World::new();
        world.seller("acme").await.published("log-reader", "1.0.0").await;
        let ada = world.person("ada").await;
        ada.post("/plugins/log-reader/install", json!({})).await;
        let path = "/plugins/log-reader/reviews/mine";
        for rating in [json!(0), json!(6), json!(-1), json!(4.5), json!("five"), json!(300)] {
            let answer = ada.put(path, review(rating)).await;
            assert_eq!((answer.status, answer.code()), (422, "validation_failed"), "{}", answer.body);
        }
        assert_eq!(ada.put(path, json!({"rating": 5, "title": "", "body": "x"})).await.status, 422);
    }
}
