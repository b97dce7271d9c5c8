//! `POST /plugins/{plugin}/reviews/{id}/flag`

use axum::extract::State;
use serde::Serialize;
use souk_app::reviews;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, SignedIn},
    wire::Reason,
};

/// A report that was taken.
#[derive(Serialize, ToSchema)]
pub struct Flagged {
    /// Which review.
    id: Uuid,
    /// True.
    flagged: bool,
}

/// Reports a review to the moderators. For every user.
#[utoipa::path(post, path = "/plugins/{plugin}/reviews/{id}/flag", tag = "reviews", request_body = Reason,
    params(("plugin" = String, Path, description = "Id or name"), ("id" = Uuid, Path, description = "Which review")),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "Reported", body = Flagged)))]
pub async fn flag_review(
    State(api): State<Api>,
    who: SignedIn,
    PathParams((plugin, review)): PathParams<(String, Uuid)>,
    JsonBody(body): JsonBody<Reason>,
) -> Result<Written<Flagged>, ApiError> {
    let plugin = plugin.as_str().into();
    let done = reviews::flag(&api.app, &who.context, &plugin, review.into(), &body.reason).await?;
    Ok(Written::ok(done.position, Flagged { id: review, flagged: true }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn every_user_reports() {
        let world = World::new();
        let reviewed = world.reviewed("log-reader").await;
        let path = format!("/plugins/log-reader/reviews/{}/flag", reviewed.id);
        let body = json!({"reason": "an advertisement"});
        assert_eq!(world.nobody().post(&path, body.clone()).await.status, 401);
        let ben = world.person("ben").await;
        assert_eq!(ben.post(&path, body.clone()).await.status, 200);
        assert_eq!(ben.post(&path, json!({"reason": ""})).await.status, 422);
        let unknown = "/plugins/log-reader/reviews/6a0f5c1e-7b1d-4c57-9a3e-50756b000001/flag";
        assert_eq!(ben.post(unknown, body).await.status, 404);
    }
}
