//! `POST /me/notifications/{id}/read`

use axum::{extract::State, http::StatusCode};
use souk_app::notices;
use uuid::Uuid;

use crate::{
    Api,
    error::ApiError,
    extract::{PathParams, SignedIn},
};

/// Marks one of the caller's notifications as read.
#[utoipa::path(post, path = "/me/notifications/{id}/read", tag = "me",
    params(("id" = Uuid, Path, description = "Which notification")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 204, description = "It is read")))]
pub async fn read_notification(
    State(api): State<Api>,
    who: SignedIn,
    PathParams(id): PathParams<Uuid>,
) -> Result<StatusCode, ApiError> {
    notices::read(&api.app, &who.context, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn what_is_read_is_unread_no_more_and_nobody_elses() {
        let world = World::new();
        let (ada, ben) = (world.person("ada").await, world.person("ben").await);
        ada.post("/me/api-keys", json!({"label": "one"})).await;
        world.settle().await;
        let inbox = ada.get("/me/notifications?unread=true").await;
        let path = format!("/me/notifications/{}/read", inbox.body["items"][0]["id"].as_str().unwrap());
        assert_eq!(ben.post(&path, json!({})).await.status, 404);
        assert_eq!(ada.post(&path, json!({})).await.status, 204);
        assert_eq!(ada.post(&path, json!({})).await.status, 204, "again is no matter");
        let after = ada.get("/me/notifications?unread=true").await;
        assert_eq!((&after.body["items"], &after.body["unread"]), (&json!([]), &json!(0)));
        assert_eq!(ada.get("/me/notifications").await.body["items"][0]["read"], json!(true));
    }
}
